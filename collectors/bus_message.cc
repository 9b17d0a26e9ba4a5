#include "collectors/bus_message.h"

#include <fmt/format.h>

#include <cerrno>

#include "collectors/errno_status.h"

namespace metsuke {

absl::Status BusFailure(int error, std::string_view what) {
  if (error == -ETIMEDOUT)
    return absl::DeadlineExceededError(
        fmt::format("systemd: {}: no answer in {} s", what, kBusPatience.count()));
  return ErrnoStatus(-error, fmt::format("systemd: {}", what));
}

}  // namespace metsuke
