#include "collectors/safe_open.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <climits>
#include <deque>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "collectors/errno_status.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kLook = O_PATH | O_NOFOLLOW | O_CLOEXEC;
constexpr int kMaxLinks = 40;     // as path_resolution(7)
constexpr ino_t kProcRootInode = 1;  // PROC_ROOT_INO of the kernel

// openat2(2) of a path that holds no symlink; -1 with errno.
int OpenPlain(int folder, const std::string& path, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(kLook);
  how.resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

// A kernel before 5.6 does not know the call, an old seccomp filter forbids it.
bool KernelLacksOpenat2(int error) { return error == ENOSYS || error == EPERM; }

std::vector<std::string> Names(std::string_view path) {
  std::vector<std::string> names;
  for (const auto name : absl::StrSplit(
           absl::string_view(path.data(), path.size()), '/', absl::SkipEmpty()))
    if (name != ".") names.emplace_back(name);
  return names;
}

std::string Joined(const std::vector<std::string>& names) {
  return "/" + absl::StrJoin(names, "/");
}

absl::Status Refused(std::string_view path, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("{}: {}", path, why));
}

bool IsLink(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISLNK(info.st_mode);
}

std::string AbsoluteRoot(const boost::filesystem::path& root) {
  boost::system::error_code error;
  const auto absolute = boost::filesystem::canonical(root, error);
  return error ? root.string() : absolute.string();
}

}  // namespace

SafeTree::SafeTree(const boost::filesystem::path& root, Resolver resolver)
    : root_(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      resolver_(resolver),
      mounts_(AbsoluteRoot(root)) {
  struct stat info{};
  if (!root_ || fstat(root_.get(), &info) != 0) root_error_ = errno;
  owner_ = info.st_uid;
  group_ = info.st_gid;
}

absl::Status SafeTree::MayTouch(const std::string& real) const {
  const std::string type = mounts_.Forbidden(real);
  if (type.empty()) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("{}: lies on a file system of type {}, which is not touched",
                  real, type));
}

absl::StatusOr<Opened> SafeTree::OpenSystem(std::string_view path,
                                            bool follow) const {
  if (root_error_ != 0) return ErrnoStatus(root_error_, "root of the host");
  if (path.find('\0') != path.npos)
    return absl::NotFoundError(fmt::format("{}: a NUL in a path", path));
  const std::vector<std::string> names = Names(path);
  const bool plain =
      std::find(names.begin(), names.end(), "..") == names.end();
  if (names.empty() || !plain || resolver_ == Resolver::kWalk)
    return Walk(path, follow);
  const std::string real = Joined(names);
  RETURN_IF_ERROR(MayTouch(real));
  Descriptor fd(OpenPlain(root_.get(), real, RESOLVE_IN_ROOT));
  if (!fd && errno != ELOOP && errno != EAGAIN && !KernelLacksOpenat2(errno))
    return ErrnoStatus(errno, path);
  if (!fd || (follow && IsLink(fd.get()))) return Walk(path, follow);
  return Opened{std::move(fd), real};
}

absl::StatusOr<std::string> SafeTree::TrustedTarget(
    int folder, int link, const std::string& real) const {
  struct stat made, place;
  if (fstat(link, &made) != 0 || fstat(folder, &place) != 0)
    return ErrnoStatus(errno, real);
  if (made.st_uid != 0 && made.st_uid != owner_)
    return Refused(real, fmt::format("a symlink made by uid {}", made.st_uid));
  if (place.st_uid != 0 && place.st_uid != owner_)
    return Refused(real, fmt::format("a symlink in a folder of uid {}",
                                     place.st_uid));
  // A sticky folder does not help: where hard links to the files of others
  // are allowed, anybody can put root's links there.
  const bool group_writes = place.st_mode & S_IWGRP && place.st_gid != 0 &&
                            place.st_gid != group_;
  if (group_writes || place.st_mode & S_IWOTH)
    return Refused(real, "a symlink in a folder that others may write to");
  // The links below /proc/PID lead where their text does not say.
  struct statfs system;
  if (fstatfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC &&
      place.st_ino != kProcRootInode)
    return Refused(real, "a magic link of procfs");
  char target[PATH_MAX];
  const ssize_t length = readlinkat(link, "", target, sizeof target);
  if (length < 0) return ErrnoStatus(errno, real);
  return std::string(target, static_cast<size_t>(length));
}

absl::StatusOr<Opened> SafeTree::Walk(std::string_view path,
                                      bool follow) const {
  std::vector<Descriptor> folders;  // from the root on, without it
  std::vector<std::string> done;
  const std::vector<std::string> names = Names(path);
  std::deque<std::string> todo(names.begin(), names.end());
  for (int links = 0; !todo.empty();) {
    const std::string name = std::move(todo.front());
    todo.pop_front();
    if (name == "..") {
      if (!folders.empty()) folders.pop_back(), done.pop_back();
      continue;
    }
    const int folder = folders.empty() ? root_.get() : folders.back().get();
    done.push_back(name);
    const std::string real = Joined(done);
    RETURN_IF_ERROR(MayTouch(real));
    Descriptor fd(openat(folder, name.c_str(), kLook));
    if (!fd) return ErrnoStatus(errno, path);
    if (!IsLink(fd.get()) || (todo.empty() && !follow)) {
      folders.push_back(std::move(fd));
      continue;
    }
    if (++links > kMaxLinks) return Refused(path, "too many symlinks");
    ASSIGN_OR_RETURN(const std::string target,
                     TrustedTarget(folder, fd.get(), real));
    done.pop_back();
    if (target.starts_with('/')) folders.clear(), done.clear();
    const std::vector<std::string> more = Names(target);
    todo.insert(todo.begin(), more.begin(), more.end());
  }
  if (!folders.empty())
    return Opened{std::move(folders.back()), Joined(done)};
  Descriptor root(openat(root_.get(), ".", kLook));
  if (!root) return ErrnoStatus(errno, path);
  return Opened{std::move(root), "/"};
}

absl::StatusOr<Opened> SafeTree::OpenBelow(std::string_view home,
                                           std::string_view path) const {
  ASSIGN_OR_RETURN(Opened top, OpenSystem(home, /*follow=*/true));
  const std::vector<std::string> names = Names(path);
  if (path.find('\0') != path.npos)
    return absl::NotFoundError(fmt::format("{}: a NUL in a path", path));
  if (std::find(names.begin(), names.end(), "..") != names.end())
    return Refused(path, "leads out of the home");
  if (names.empty()) return top;
  const std::string below = absl::StrJoin(names, "/");
  std::string real = (top.real == "/" ? "" : top.real) + "/" + below;
  RETURN_IF_ERROR(MayTouch(real));
  if (resolver_ == Resolver::kWalk)
    return WalkBelow(top.fd.get(), names, std::move(real));
  Descriptor fd(
      OpenPlain(top.fd.get(), below, RESOLVE_BENEATH | RESOLVE_NO_XDEV));
  if (fd) return Opened{std::move(fd), std::move(real)};
  if (KernelLacksOpenat2(errno))
    return WalkBelow(top.fd.get(), names, std::move(real));
  if (errno == ELOOP) return Refused(real, "a symlink stands in the path");
  if (errno == EXDEV) return Refused(real, "another file system is mounted");
  return ErrnoStatus(errno, real);
}

absl::StatusOr<Opened> SafeTree::WalkBelow(
    int home, const std::vector<std::string>& names, std::string real) const {
  struct stat top, info;
  if (fstat(home, &top) != 0) return ErrnoStatus(errno, real);
  Descriptor at;
  for (size_t i = 0; i < names.size(); ++i) {
    const int folder = at ? at.get() : home;
    Descriptor next(openat(folder, names[i].c_str(), kLook));
    if (!next || fstat(next.get(), &info) != 0)
      return ErrnoStatus(errno, real);
    if (info.st_dev != top.st_dev)
      return Refused(real, "another file system is mounted");
    if (S_ISLNK(info.st_mode) && i + 1 < names.size())
      return Refused(real, "a symlink stands in the path");
    at = std::move(next);
  }
  return Opened{std::move(at), std::move(real)};
}

absl::StatusOr<FileInfo> InfoOf(int fd, std::string_view path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, path);
  const auto kind = [&] {
    switch (info.st_mode & S_IFMT) {
      case S_IFREG: return FileInfo::Kind::kRegular;
      case S_IFDIR: return FileInfo::Kind::kDirectory;
      case S_IFLNK: return FileInfo::Kind::kSymlink;
      case S_IFIFO: return FileInfo::Kind::kFifo;
      case S_IFSOCK: return FileInfo::Kind::kSocket;
      default: return FileInfo::Kind::kDevice;
    }
  };
  return FileInfo{.kind = kind(),
                  .device = info.st_dev,
                  .inode = info.st_ino,
                  .size = info.st_size,
                  .modified = info.st_mtim.tv_sec,
                  .modified_nanos = info.st_mtim.tv_nsec,
                  .changed = info.st_ctim.tv_sec,
                  .changed_nanos = info.st_ctim.tv_nsec,
                  .mode = info.st_mode & 07777,
                  .uid = info.st_uid,
                  .gid = info.st_gid,
                  .links = info.st_nlink};
}

bool OnLiveFileSystem(int fd) {
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return true;
  switch (static_cast<uint32_t>(system.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case SECURITYFS_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SELINUX_MAGIC:
    case EFIVARFS_MAGIC:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<Descriptor> OpenToRead(int path_fd, int flags,
                                      std::string_view path) {
  const std::string again = fmt::format("/proc/self/fd/{}", path_fd);
  Descriptor fd(open(again.c_str(),
                     O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags));
  if (fd) return fd;
  if (errno == ENOENT)
    return absl::UnavailableError(
        fmt::format("{}: /proc is not mounted, so it cannot be opened safely",
                    path));
  return ErrnoStatus(errno, path);
}

}  // namespace metsuke
