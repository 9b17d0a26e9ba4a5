// A folder for one benchmark, on disk, removed at the end.

#ifndef METSUKE_TESTS_BENCH_FOLDER_H_
#define METSUKE_TESTS_BENCH_FOLDER_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <string>

namespace metsuke {

class Folder {
 public:
  // In $TMPDIR or in /var/tmp, which, unlike /tmp, is never in memory
  // (file-hierarchy(7)). Others may pass through, so that the agent's user
  // reaches what is its own.
  Folder() {
    const char* parent = getenv("TMPDIR");
    path_ = std::string(parent ? parent : "/var/tmp") + "/metsuke-bench.XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) abort();
    chmod(path_.c_str(), 0711);
  }
  ~Folder() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }
  // A new folder in it, for its owner alone.
  std::string Make(const std::string& name) const {
    mkdir((*this / name).c_str(), 0700);
    return *this / name;
  }

 private:
  std::string path_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_FOLDER_H_
