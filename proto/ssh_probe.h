// How metsuke-probe is asked about an SSH server: by the agent about those of
// its own host, by the controller about those of others.

#ifndef METSUKE_PROTO_SSH_PROBE_H_
#define METSUKE_PROTO_SSH_PROBE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// Servers of one host that are asked at most.
inline constexpr size_t kMostProbeTargets = 4;

// One server.
struct ProbeTarget {
  std::string listener;  // what the rows name it, as ssh_access has it
  std::string address;   // IPv4 or IPv6, with a zone where one is needed
  uint32_t port = 22;
  std::vector<std::string> accounts;  // at least one
  bool keys = true;                   // whether each of its keys is asked for
  uint32_t seconds = 15;              // for all of it

  bool operator==(const ProbeTarget&) const = default;
};

// Whether metsuke-probe takes the name: letters, digits, '.', '_' and '-', not
// '-' first, at most 64. The SSH library puts names into patterns and commands
// where it is let; none of these has a meaning there.
bool IsPlainAccount(std::string_view account);

// Whether what listens there listens at all addresses: "*", "0.0.0.0" or "::".
bool IsAnyAddress(std::string_view address);

// Address and port of "192.0.2.7:22", "[::1]:22" or "*:22"; nothing for
// anything else.
std::optional<std::pair<std::string, uint32_t>> ParseListener(
    std::string_view listener);

// The inverse; IPv6 in brackets.
std::string ListenerText(const std::string& address, uint32_t port);

// Up to `most` accounts to ask the listener for, of which no two have the same
// ways in by the rows of `access` whose source `counts`: those that can get in
// first, root last, for it is offered methods that PermitRootLogin then
// refuses; root where there is no way.
std::vector<std::string> AccountsToAsk(
    const v1::Snapshot& access, const std::string& listener, size_t most,
    const std::function<bool(const std::string& source)>& counts);

// Runs the metsuke-probe that lies beside this program. Rows of ssh_endpoints, ssh_algorithms and ssh_host_keys, and of gaps for
// what of them the server did not tell; errors as RunProgram has them.
absl::StatusOr<v1::Snapshot> RunProbe(const ProbeTarget& target);

}  // namespace metsuke

#endif  // METSUKE_PROTO_SSH_PROBE_H_
