// Network interfaces and their addresses, from what rtnetlink(7) says.

#ifndef METSUKE_COLLECTORS_INTERFACES_H_
#define METSUKE_COLLECTORS_INTERFACES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// One interface.
struct Link {
  std::string name;
  std::string mac;  // as in the column of that name
  bool up;
};

// The interfaces by their number, from the answers to RTM_GETLINK.
std::map<uint32_t, Link> ParseLinks(const std::string& replies);

// The interfaces of `host` by their number.
absl::StatusOr<std::map<uint32_t, Link>> ReadLinks(const Host& host);

// One row for each address of `family` (AF_INET or AF_INET6) in the answers to
// RTM_GETADDR that belongs to one of `links`.
std::vector<v1::Interface> ParseAddresses(
    const std::string& replies, int family,
    const std::map<uint32_t, Link>& links);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_INTERFACES_H_
