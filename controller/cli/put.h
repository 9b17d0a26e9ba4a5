// Text to standard output, for commands that write it piece by piece. Half a
// document must not look like a whole one to whoever looks at the exit code
// alone.

#ifndef METSUKE_CONTROLLER_CLI_PUT_H_
#define METSUKE_CONTROLLER_CLI_PUT_H_

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "absl/status/status.h"

namespace metsuke::cli {

// The error says why standard output does not take it.
inline absl::Status Put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size())
    return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "standard output");
}

// To be called at the end: only then is all of it known to be written.
inline absl::Status Flush() {
  if (std::fflush(stdout) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "standard output");
}

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_PUT_H_
