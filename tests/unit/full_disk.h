// A disk without room, for the files this process writes.

#ifndef METSUKE_TESTS_UNIT_FULL_DISK_H_
#define METSUKE_TESTS_UNIT_FULL_DISK_H_

#include <signal.h>
#include <sys/resource.h>

namespace metsuke {

// While it lives, write(2) fails beyond the first bytes of a file, as it does
// on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &usual_);
    const rlimit tight{bytes, usual_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &usual_);
    signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  const sighandler_t handler_;
  rlimit usual_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_FULL_DISK_H_
