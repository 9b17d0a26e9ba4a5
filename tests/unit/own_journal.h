// A journal in place of the machine's, for this thread: what is sent to it with
// fields of its own.

#ifndef METSUKE_TESTS_UNIT_OWN_JOURNAL_H_
#define METSUKE_TESTS_UNIT_OWN_JOURNAL_H_

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/filesystem.hpp>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace metsuke {

class OwnJournal {
 public:
  // By name of the field.
  using Record = std::map<std::string, std::string>;

  // Standard error goes to it from now on, as systemd would have it.
  OwnJournal() {
    mounted_ = unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount("none", "/run", "tmpfs", 0, nullptr) == 0;
    ok_ = mounted_ && Listen();
    struct stat error;
    if (ok_ && fstat(STDERR_FILENO, &error) == 0)
      setenv("JOURNAL_STREAM",
             fmt::format("{}:{}", error.st_dev, error.st_ino).c_str(), 1);
  }
  ~OwnJournal() {
    unsetenv("JOURNAL_STREAM");
    if (socket_ >= 0) close(socket_);
    if (mounted_) umount2("/run", MNT_DETACH);
  }
  OwnJournal(const OwnJournal&) = delete;
  OwnJournal& operator=(const OwnJournal&) = delete;

  // Otherwise errno says why not; it takes root.
  bool ok() const { return ok_; }

  // What came since the last call.
  std::vector<Record> Take() {
    std::vector<Record> records;
    std::string bytes(1 << 20, 0);
    while (true) {
      const ssize_t size =
          recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size <= 0) return records;
      records.push_back(Parsed(bytes.substr(0, static_cast<size_t>(size))));
    }
  }

 private:
  bool Listen() {
    const sockaddr_un address = {AF_UNIX, "/run/systemd/journal/socket"};
    boost::system::error_code error;
    boost::filesystem::create_directories("/run/systemd/journal", error);
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return socket_ >= 0 &&
           bind(socket_, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) == 0;
  }

  // NAME=VALUE in each line; the protocol's other form, with a length, would
  // show as a line without '='.
  static Record Parsed(const std::string& text) {
    Record record;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const size_t equals = line.find('=');
      record[line.substr(0, equals)] =
          equals == std::string::npos ? "no value" : line.substr(equals + 1);
    }
    return record;
  }

  bool mounted_ = false;
  bool ok_ = false;
  int socket_ = -1;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_OWN_JOURNAL_H_
