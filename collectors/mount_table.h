// Which paths lie on file systems that must not be touched: a server that does
// not answer, or a FUSE program of a user, would hold whoever looks for as long
// as it likes, and no deadline ends a system call in that sleep.

#ifndef METSUKE_COLLECTORS_MOUNT_TABLE_H_
#define METSUKE_COLLECTORS_MOUNT_TABLE_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "collectors/descriptor.h"

namespace metsuke {

// Whether file systems of this type (as in mountinfo) are remote, FUSE or
// mounted when they are touched.
bool IsRemoteType(std::string_view type);

// Mount points with the type of what is mounted there, of the text of a
// /proc/PID/mountinfo (proc(5)). Of several mounts on one point the last
// counts, for it hides the others.
std::map<std::string, std::string> ParseMountInfo(std::string_view text);

class MountTable {
 public:
  // A table for what lies below `root`, an absolute path without symlinks. The
  // mount that holds `root` itself may be touched whatever it is: a diskless
  // machine has no other, and of an image it was asked for. `file` is where
  // the mounts are listed: what process 1 sees is what the machine has, while
  // our own view may be one that a sandbox made.
  explicit MountTable(std::string root,
                      std::string file = "/proc/1/mountinfo")
      : root_(std::move(root)), list_(std::move(file)) {}

  // The type of the file system `path` lies on when it must not be touched;
  // empty when it may. `path` is below the root, absolute, free of symlinks
  // and dots. The table is read again when the kernel says it changed, looked
  // at no more often than five times a second.
  std::string Forbidden(std::string_view path);

 private:
  void Refresh();
  // The entry of `mounts_` that holds the absolute path.
  std::map<std::string, std::string>::const_iterator Holding(
      std::string path) const;

  const std::string root_, list_;
  std::map<std::string, std::string> mounts_;
  bool any_remote_ = false;
  Descriptor file_;
  pid_t reader_ = 0;
  std::chrono::steady_clock::time_point looked_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_MOUNT_TABLE_H_
