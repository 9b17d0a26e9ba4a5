#include "proto/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kCap = 1 << 20;

// A descriptor that closes itself.
struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  ~Descriptor() {
    if (fd > STDERR_FILENO) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

absl::Status Failure(const std::string& path, const char* what) {
  const int error = errno;
  return absl::ErrnoToStatus(error, fmt::format("{}: {}", path, what));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure(path, "write");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status FillAndSync(int fd, std::string_view bytes, mode_t mode,
                         const std::string& path) {
  // mkostemp makes 0600, so the bytes are never open to others before this.
  RETURN_IF_ERROR(WriteAll(fd, bytes, path));
  if (fchmod(fd, mode) != 0) return Failure(path, "set permissions");
  if (fsync(fd) != 0) return Failure(path, "sync");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Descriptor file(
      path == "-" ? STDIN_FILENO
                  : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return Failure(path, "open");
  struct stat info;
  if (fstat(file.fd, &info) != 0) return Failure(path, "look at");
  if (path != "-" && !S_ISREG(info.st_mode))
    return absl::FailedPreconditionError(path + ": not a regular file");
  std::string bytes;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(file.fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure(path, "read");
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
    if (bytes.size() > kCap)
      return absl::ResourceExhaustedError(path + ": larger than 1 MiB");
  }
}

absl::Status WriteFile(const std::string& path, std::string_view bytes,
                       mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  absl::Status status;
  {
    const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));
    if (file.fd < 0) return Failure(path, "create a file beside it");
    status = FillAndSync(file.fd, bytes, mode, path);
  }
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = Failure(path, "rename");
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  const Descriptor folder(
      open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd < 0 || fsync(folder.fd) != 0)
    return Failure(path, "sync its folder");
  return absl::OkStatus();
}

}  // namespace metsuke
