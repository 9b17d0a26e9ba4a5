#include "agent/durable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "collectors/descriptor.h"
#include "proto/status.h"

namespace metsuke {
namespace {

absl::Status Failed(const char* what, const boost::filesystem::path& path) {
  return absl::ErrnoToStatus(errno, fmt::format("{} {}", what, path.string()));
}

absl::Status WriteAll(int file, std::string_view bytes,
                      const boost::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path);
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status WriteSynced(const boost::filesystem::path& path,
                         std::string_view bytes) {
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
           0600));
  if (!file) return Failed("create", path);
  RETURN_IF_ERROR(WriteAll(file.get(), bytes, path));
  // A failed fsync is never tried again: the kernel may have dropped the pages
  // and a second call would say that all is well (fsync(2), EIO).
  if (fsync(file.get()) != 0) return Failed("sync", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status MakePrivateFolder(const boost::filesystem::path& folder) {
  if (mkdir(folder.c_str(), 0700) == 0) return SyncFolder(folder.parent_path());
  if (errno != EEXIST) return Failed("make folder", folder);
  struct stat info;
  if (stat(folder.c_str(), &info) != 0) return Failed("look at", folder);
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        fmt::format("{} is no folder", folder.string()));
  }
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("others may enter {} (mode {:04o}); chmod 0700 it",
                    folder.string(), info.st_mode & 07777));
  }
  return absl::OkStatus();
}

absl::Status WriteDurably(const boost::filesystem::path& path,
                          std::string_view bytes) {
  const boost::filesystem::path temporary = path.string() + ".tmp";
  absl::Status status = WriteSynced(temporary, bytes);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = Failed("rename to", path);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(path.parent_path());
}

absl::Status RenameDurably(const boost::filesystem::path& from,
                           const boost::filesystem::path& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return Failed("rename to", to);
  RETURN_IF_ERROR(SyncFolder(to.parent_path()));
  return SyncFolder(from.parent_path());
}

absl::Status SyncFolder(const boost::filesystem::path& folder) {
  const boost::filesystem::path path = folder.empty() ? "." : folder;
  const Descriptor opened(
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return Failed("open folder", path);
  if (fsync(opened.get()) != 0) return Failed("sync folder", path);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadOwn(const boost::filesystem::path& path,
                                    uint64_t cap) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return Failed("open", path);
  std::string bytes;
  char chunk[16384];
  while (true) {
    const ssize_t got = read(file.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) return bytes;
    bytes.append(chunk, got);
    if (bytes.size() > cap) {
      return absl::ResourceExhaustedError(
          fmt::format("{} is longer than {} bytes", path.string(), cap));
    }
  }
}

uint64_t OnDisk(uint64_t size) { return (size + 4095) / 4096 * 4096; }

}  // namespace metsuke
