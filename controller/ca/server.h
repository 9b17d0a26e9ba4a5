// metsuke-ca's unix socket: one request and one reply per connection, asked by
// the user that the kernel names (SO_PEERCRED of unix(7)).

#ifndef METSUKE_CONTROLLER_CA_SERVER_H_
#define METSUKE_CONTROLLER_CA_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/ca/authority.h"
#include "controller/ca/workers.h"

namespace metsuke {

// Serves until it is destroyed; `authority` must outlive it. Who may ask for
// nothing is refused when he connects; an asker that has not sent its request
// after `limit` is cut off.
absl::StatusOr<std::unique_ptr<Workers>> ServeAuthority(
    Authority& authority, const std::string& socket,
    std::chrono::milliseconds limit = std::chrono::seconds(2));

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_SERVER_H_
