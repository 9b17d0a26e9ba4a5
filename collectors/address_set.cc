#include "collectors/address_set.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace metsuke {
namespace {

using Bits = unsigned __int128;

Bits Highest(bool v6) { return v6 ? ~Bits{0} : Bits{0xffffffff}; }

int Width(bool v6) { return v6 ? 128 : 32; }

// How many zero bits `bits` ends with; `width` for 0.
int TrailingZeros(Bits bits, int width) {
  int zeros = 0;
  while (zeros < width && (bits >> zeros & 1) == 0) ++zeros;
  return zeros;
}

std::string NetworkText(const IpAddress& first, int length) {
  return length == Width(first.v6)
             ? ToText(first)
             : fmt::format("{}/{}", ToText(first), length);
}

// The largest networks that fill the range from its beginning.
void AddNetworks(const AddressSet::Range& range,
                 std::vector<std::string>& networks) {
  const int width = Width(range.first.v6);
  Bits next = range.first.bits;
  while (true) {
    int free = TrailingZeros(next, width);
    const auto last_of = [&](int bits) {
      return bits == 128 ? ~Bits{0} : next | ((Bits{1} << bits) - 1);
    };
    while (last_of(free) > range.last.bits) --free;
    networks.push_back(NetworkText({range.first.v6, next}, width - free));
    if (last_of(free) == range.last.bits) return;
    next = last_of(free) + 1;
  }
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  const std::string copy(text);
  unsigned char bytes[16];
  const bool v6 = copy.find(':') != std::string::npos;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, copy.c_str(), bytes) != 1)
    return std::nullopt;
  IpAddress address{v6, 0};
  for (int i = 0; i < (v6 ? 16 : 4); ++i)
    address.bits = address.bits << 8 | bytes[i];
  return address;
}

std::string ToText(const IpAddress& address) {
  unsigned char bytes[16];
  const int size = address.v6 ? 16 : 4;
  for (int i = 0; i < size; ++i)
    bytes[i] = static_cast<unsigned char>(address.bits >> 8 * (size - 1 - i));
  char text[INET6_ADDRSTRLEN];
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
  return text;
}

AddressSet AddressSet::All(bool v6) { return Prefix({v6, 0}, 0); }

AddressSet AddressSet::Everywhere() {
  AddressSet all = All(false);
  all.Add(All(true));
  return all;
}

const AddressSet& AddressSet::LinkLocal() {
  static const AddressSet& set =
      *new AddressSet(Prefix(*ParseIpAddress("fe80::"), 10));
  return set;
}

AddressSet AddressSet::Prefix(const IpAddress& address, int length) {
  const Bits host = length == 0 ? Highest(address.v6)
                                : (Bits{1} << (Width(address.v6) - length)) - 1;
  AddressSet set;
  set.ranges_.push_back(
      {{address.v6, address.bits & ~host}, {address.v6, address.bits | host}});
  return set;
}

void AddressSet::Add(const AddressSet& other) {
  std::vector<Range> all = std::move(ranges_);
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  std::ranges::sort(all, {}, &Range::first);
  ranges_.clear();
  for (const Range& range : all) {
    if (!ranges_.empty()) {
      Range& before = ranges_.back();
      const bool near = before.last.v6 == range.first.v6 &&
                        (before.last.bits == Highest(before.last.v6) ||
                         range.first.bits <= before.last.bits + 1);
      if (near) {
        before.last = std::max(before.last, range.last);
        continue;
      }
    }
    ranges_.push_back(range);
  }
}

AddressSet AddressSet::Without(const AddressSet& other) const {
  AddressSet rest;
  for (Range range : ranges_) {
    bool left = true;
    for (const Range& hole : other.ranges_) {
      if (hole.last < range.first || range.last < hole.first) continue;
      if (range.first < hole.first)
        rest.ranges_.push_back(
            {range.first, {range.first.v6, hole.first.bits - 1}});
      left = hole.last < range.last;
      if (!left) break;
      range.first = {range.first.v6, hole.last.bits + 1};
    }
    if (left) rest.ranges_.push_back(range);
  }
  return rest;
}

AddressSet AddressSet::And(const AddressSet& other) const {
  return Without(Without(other));
}

bool AddressSet::Contains(const IpAddress& address) const {
  return std::ranges::any_of(ranges_, [&](const Range& range) {
    return range.first <= address && address <= range.last;
  });
}

std::vector<std::string> AddressSet::Networks() const {
  std::vector<std::string> networks;
  for (const Range& range : ranges_) AddNetworks(range, networks);
  return networks;
}

}  // namespace metsuke
