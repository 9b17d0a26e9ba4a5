// The baseline the product comes with.

#include <gtest/gtest.h>

#include <boost/filesystem.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "controller/judge/baseline.h"

namespace metsuke {
namespace {

std::vector<v1::BaselineFile> ShippedFiles() {
  std::set<boost::filesystem::path> paths;
  for (const auto& entry : boost::filesystem::directory_iterator(
           METSUKE_SOURCE "/playbooks/baseline"))
    if (entry.path().extension() == ".yaml") paths.insert(entry.path());
  std::vector<v1::BaselineFile> files;
  for (const auto& path : paths) {
    std::ostringstream text;
    text << std::ifstream(path.string(), std::ios::binary).rdbuf();
    v1::BaselineFile& file = files.emplace_back();
    file.set_name(path.filename().string());
    file.set_yaml(text.str());
  }
  return files;
}

TEST(Baseline, TheShippedOneLoadsAndEveryControlProvesItself) {
  const auto baseline = LoadBaseline(ShippedFiles());
  ASSERT_TRUE(baseline.ok()) << baseline.status().message();
  EXPECT_GE(baseline->controls.size(), 35u);
}

}  // namespace
}  // namespace metsuke
