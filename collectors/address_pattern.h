// Addresses by patterns of their text: "*" stands for any text in it, "?" for
// one byte. The text is that of inet_ntop(3), without a zone.

#ifndef METSUKE_COLLECTORS_ADDRESS_PATTERN_H_
#define METSUKE_COLLECTORS_ADDRESS_PATTERN_H_

#include <optional>
#include <string_view>

#include "collectors/address_set.h"

namespace metsuke {

// Whether the pattern matches any text.
bool OnlyStars(std::string_view pattern);

// All addresses whose text `pattern` matches; nothing when they cannot be told
// as networks, or are too many of them.
std::optional<AddressSet> AddressesOfText(std::string_view pattern);

// The same for "2001:db8:*" alone: whole groups, none of which the canonical
// text would write in another way, and then anything.
std::optional<AddressSet> AddressesOfGroups(std::string_view pattern);

// An IPv4 address of `within` whose text `pattern` matches, found quickly or
// not at all.
std::optional<IpAddress> ExampleOfText(std::string_view pattern,
                                       const AddressSet& within);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_ADDRESS_PATTERN_H_
