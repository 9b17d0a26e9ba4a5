#include "controller/judge/network.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <string>

namespace metsuke {
namespace {

std::optional<int> PrefixLength(std::string_view text) {
  int bits = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits < 0)
    return {};
  return bits;
}

}  // namespace

std::optional<Network> ParseNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network network;
  int width = 128;
  if (inet_pton(AF_INET, address.c_str(), &network.bytes[12]) == 1) {
    network.bytes[10] = network.bytes[11] = 0xFF;
    width = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), network.bytes.data()) != 1) {
    return {};
  }
  if (address.find('\0') != std::string::npos) return {};
  if (slash != std::string_view::npos) {
    const auto bits = PrefixLength(text.substr(slash + 1));
    if (!bits || *bits > width) return {};
    network.bits = *bits + 128 - width;
  }
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0,    0,
                                         0, 0, 0, 0, 0xFF, 0xFF};
  network.ipv4 =
      network.bits >= 96 && std::memcmp(network.bytes.data(), kMapped, 12) == 0;
  return network;
}

bool Contains(const Network& network, const Network& address) {
  if (network.ipv4 != address.ipv4) return false;
  const int whole = network.bits / 8, rest = network.bits % 8;
  if (std::memcmp(network.bytes.data(), address.bytes.data(), whole) != 0)
    return false;
  if (rest == 0) return true;
  const int mask = 0xFF00 >> rest & 0xFF;
  return ((network.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

}  // namespace metsuke
