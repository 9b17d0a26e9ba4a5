// Asking the kernel over netlink(7).

#ifndef METSUKE_COLLECTORS_NETLINK_H_
#define METSUKE_COLLECTORS_NETLINK_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke {

// The answers to one request, as Host::Netlink: data messages alone, without
// NLMSG_DONE and acknowledgements, each padded to four bytes. At most 64 MiB
// in at most 5 seconds. A dump that the kernel interrupted because what it
// lists changed is asked for once more; Aborted when that happens again.
absl::StatusOr<std::string> AskNetlink(std::string_view name, int protocol,
                                       std::string_view request);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_NETLINK_H_
