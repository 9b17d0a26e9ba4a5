#include "collectors/errno_status.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace metsuke {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:       // a file where the path needs a folder
    case ENAMETOOLONG:  // no file can have this name
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case ELOOP:
    case EXDEV:
    case EISDIR:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view where) {
  char buffer[128];
  return absl::Status(
      CodeOf(error),
      fmt::format("{}: {}", where, strerror_r(error, buffer, sizeof buffer)));
}

}  // namespace metsuke
