// Sets of IP addresses, both families, as ranges.

#ifndef METSUKE_COLLECTORS_ADDRESS_SET_H_
#define METSUKE_COLLECTORS_ADDRESS_SET_H_

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

struct IpAddress {
  bool v6 = false;
  // The address in host order; an IPv4 address takes the lowest 32 bits.
  unsigned __int128 bits = 0;

  auto operator<=>(const IpAddress&) const = default;
};

// What inet_pton(3) makes of `text`; nothing when it is no address.
std::optional<IpAddress> ParseIpAddress(std::string_view text);

// The canonical text, as inet_ntop(3) writes it.
std::string ToText(const IpAddress& address);

class AddressSet {
 public:
  // From first to last, both within one family.
  struct Range {
    IpAddress first, last;

    bool operator==(const Range&) const = default;
  };

  AddressSet() = default;  // empty

  // All addresses of a family, and of both.
  static AddressSet All(bool v6);
  static AddressSet Everywhere();
  // fe80::/10, where addresses have zones (RFC 4291, 2.5.6).
  static const AddressSet& LinkLocal();
  // Those that have the first `length` bits of `address`; at most 32 or 128.
  static AddressSet Prefix(const IpAddress& address, int length);

  void Add(const AddressSet& other);
  AddressSet Without(const AddressSet& other) const;
  AddressSet And(const AddressSet& other) const;

  bool empty() const { return ranges_.empty(); }
  bool Contains(const IpAddress& address) const;
  // Disjoint, not adjacent, in order.
  const std::vector<Range>& ranges() const { return ranges_; }
  // The fewest networks that are the set, as "10.0.0.0/8", in order; an
  // address alone stands without "/32" or "/128". A range takes up to 2 × 128.
  std::vector<std::string> Networks() const;

  bool operator==(const AddressSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_ADDRESS_SET_H_
