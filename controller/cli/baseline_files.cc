#include "controller/cli/baseline_files.h"

#include <algorithm>
#include <boost/filesystem.hpp>
#include <fstream>
#include <sstream>

#include "proto/status.h"
#include "proto/utf8.h"
#include "proto/yaml_tree.h"

namespace metsuke::cli {
namespace {

namespace fs = boost::filesystem;

absl::StatusOr<std::vector<std::string>> YamlFiles(const std::string& path) {
  boost::system::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (fs::directory_iterator it(path, error), end; !error && it != end;
       it.increment(error))
    if (it->path().extension() == ".yaml") files.push_back(it->path().string());
  if (error)
    return absl::FailedPreconditionError(path + ": " + error.message());
  if (files.empty())
    return absl::FailedPreconditionError(path + ": no *.yaml file in it");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<std::vector<v1::BaselineFile>> ReadBaselineFiles(
    const std::vector<std::string>& paths) {
  std::vector<v1::BaselineFile> files;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, YamlFiles(path));
    for (const std::string& name : names) {
      if (ToUtf8(name) != name)
        return absl::InvalidArgumentError(name +
                                          ": the file's name is not UTF-8");
      std::ifstream in(name);
      std::ostringstream text;
      text << in.rdbuf();
      if (!in)
        return absl::FailedPreconditionError(name + ": cannot be read");
      v1::BaselineFile& file = files.emplace_back();
      file.set_name(name);
      file.set_yaml(text.str());
      // The controller would see no more of it than a broken message.
      RETURN_IF_ERROR(CheckUtf8(name, file.yaml()));
    }
  }
  return files;
}

}  // namespace metsuke::cli
