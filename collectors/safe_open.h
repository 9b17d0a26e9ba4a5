// Opening what a machine's users may have prepared for us. Everything is first
// opened with O_PATH, which has no effect on what stands there, and looked at;
// only then, and only if it is a regular file or a folder, it is opened to be
// read. Two policies:
//
// - A system path may hold symlinks if whoever owns the root of the tree made
//   them, in folders nobody else may write to. They are resolved below the
//   root, absolute ones too.
// - A user's path, below a home folder, may hold no symlink at all and may not
//   leave the file system of the home.
//
// No path on a remote or FUSE file system is touched; see mount_table.h.
//
// A SafeTree is used by one thread at a time.

#ifndef METSUKE_COLLECTORS_SAFE_OPEN_H_
#define METSUKE_COLLECTORS_SAFE_OPEN_H_

#include <sys/stat.h>

#include <boost/filesystem/path.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/descriptor.h"
#include "collectors/host.h"
#include "collectors/mount_table.h"

namespace metsuke {

// How paths are resolved; the tests turn the kernel's help off.
enum class Resolver { kKernel, kWalk };

// Something opened with O_PATH.
struct Opened {
  Descriptor fd;
  // Where it was found, from the root of the tree on, without symlinks.
  std::string real;
};

class SafeTree {
 public:
  explicit SafeTree(const boost::filesystem::path& root,
                    Resolver resolver = Resolver::kKernel);

  // What stands at a system path. A symlink at its end is followed by the
  // policy if `follow`, and else returned as itself.
  absl::StatusOr<Opened> OpenSystem(std::string_view path, bool follow) const;

  // What stands at a user's path; a symlink at its end is returned as itself.
  absl::StatusOr<Opened> OpenBelow(std::string_view home,
                                   std::string_view path) const;

 private:
  absl::Status MayTouch(const std::string& real) const;
  absl::StatusOr<Opened> Walk(std::string_view path, bool follow) const;
  absl::StatusOr<std::string> TrustedTarget(int folder, int link,
                                            const std::string& real) const;
  absl::StatusOr<Opened> WalkBelow(int home,
                                   const std::vector<std::string>& names,
                                   std::string real) const;

  Descriptor root_;
  Resolver resolver_;
  int root_error_ = 0;  // errno of opening the root
  uid_t owner_ = 0;     // of the root
  gid_t group_ = 0;
  mutable MountTable mounts_;
};

// What fstat(2) says of it.
absl::StatusOr<FileInfo> InfoOf(int fd, std::string_view path);

// Whether it lies on a file system whose files have no useful times: procfs,
// sysfs and their like.
bool OnLiveFileSystem(int fd);

// Opens again for reading, with `flags` such as O_DIRECTORY, what was opened
// with O_PATH. Never blocks, and never makes a terminal ours.
absl::StatusOr<Descriptor> OpenToRead(int path_fd, int flags,
                                      std::string_view path);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SAFE_OPEN_H_
