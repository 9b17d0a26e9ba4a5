// Runs every collector on every recorded host of tests/hosts and compares what
// it says with what a person accepted. To accept what they say now, look at it
// with git diff afterwards: METSUKE_ACCEPT=1 metsuke-tests --gtest_filter='*Golden*'.

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <boost/filesystem/operations.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "proto/canonical.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

// How the collector fared, the gaps it reported, and its rows.
std::string WhatItSays(const fs::path& folder, const Collector& collector) {
  const RecordedHost host(folder);
  const v1::Outcome outcome = RunCollector(host, collector);
  v1::Snapshot said;
  Report(collector.table, outcome, said);
  // Of the schema, and not of the host.
  v1::Collection& fared = *said.mutable_collections(0);
  const auto* row = TableField(collector.table)->message_type();
  for (int i = 0; i < row->field_count(); ++i)
    EXPECT_LE(row->field(i)->number(), static_cast<int>(fared.columns()));
  fared.clear_columns();
  EXPECT_TRUE(said.MergeFromString(outcome.canonical()));
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  EXPECT_TRUE(printer.PrintToString(said, &text));
  return text;
}

std::string Content(const fs::path& file) {
  std::ifstream in(file.c_str(), std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return in ? text.str() : "no file " + file.string();
}

class GoldenTest
    : public testing::TestWithParam<std::tuple<fs::path, Collector>> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenTest);

TEST_P(GoldenTest, TheTableIsTheAcceptedOne) {
  const auto& [folder, collector] = GetParam();
  const std::string got = WhatItSays(folder, collector);
  const fs::path file =
      folder / "expected" / (std::string(collector.table) + ".txtpb");
  if (std::getenv("METSUKE_ACCEPT") != nullptr) {
    fs::create_directories(file.parent_path());
    std::ofstream(file.c_str(), std::ios::binary) << got;
    GTEST_SKIP() << "accepted " << file;
  }
  EXPECT_EQ(got, Content(file));
}

std::vector<fs::path> Hosts() {
  std::vector<fs::path> hosts;
  boost::system::error_code none;
  for (const auto& entry :
       fs::directory_iterator(METSUKE_SOURCE "/tests/hosts", none))
    if (fs::is_directory(entry.path())) hosts.push_back(entry.path());
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

std::string NameOf(const testing::TestParamInfo<GoldenTest::ParamType>& info) {
  std::string name = std::get<0>(info.param).filename().string() + "_" +
                     std::string(std::get<1>(info.param).table);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    EveryHost, GoldenTest,
    testing::Combine(testing::ValuesIn(Hosts()),
                     testing::ValuesIn(AllCollectors().begin(),
                                       AllCollectors().end())),
    NameOf);

}  // namespace
}  // namespace metsuke
