// A folder that a test makes into a host, file by file; see recorded_host.h for
// what it may hold. It is removed with the object.

#ifndef METSUKE_TESTS_UNIT_HOST_FOLDER_H_
#define METSUKE_TESTS_UNIT_HOST_FOLDER_H_

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <fstream>
#include <string>

namespace metsuke {

class HostFolder {
 public:
  HostFolder()
      : path_(boost::filesystem::temp_directory_path() /
              boost::filesystem::unique_path()) {
    boost::filesystem::create_directories(path_);
  }
  ~HostFolder() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(path_, ignored);
  }
  HostFolder(const HostFolder&) = delete;
  HostFolder& operator=(const HostFolder&) = delete;

  // Writes a file, with the folders above it.
  void Write(const std::string& name, const std::string& bytes) {
    boost::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

  // Makes a symlink, with the folders above it.
  void Link(const std::string& name, const std::string& target) {
    boost::filesystem::create_directories((path_ / name).parent_path());
    boost::filesystem::create_symlink(target, path_ / name);
  }

  const boost::filesystem::path& path() const { return path_; }

 private:
  boost::filesystem::path path_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_HOST_FOLDER_H_
