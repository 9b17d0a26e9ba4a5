// Networks of addresses, "10.0.0.0/8" or "2001:db8::1".

#ifndef METSUKE_CONTROLLER_JUDGE_NETWORK_H_
#define METSUKE_CONTROLLER_JUDGE_NETWORK_H_

#include <array>
#include <optional>
#include <string_view>

namespace metsuke {

// An address as 16 bytes, IPv4 as ::ffff:0:0/96, and how many leading bits
// count.
struct Network {
  std::array<unsigned char, 16> bytes{};
  int bits = 128;
  bool ipv4 = false;
};

// The network or address that `text` is; nothing when it is none.
std::optional<Network> ParseNetwork(std::string_view text);

// Whether `address`, or the first of that network, lies in `network`.
bool Contains(const Network& network, const Network& address);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_NETWORK_H_
