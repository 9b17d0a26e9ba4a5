// The patterns of sshd_config(5) and of from= in authorized_keys: ssh_config(5)
// "PATTERNS", and addresses in them, as OpenSSH's match.c and addrmatch.c read
// them.

#ifndef METSUKE_COLLECTORS_SSH_PATTERN_H_
#define METSUKE_COLLECTORS_SSH_PATTERN_H_

#include <optional>
#include <string>
#include <string_view>

#include "collectors/address_set.h"

namespace metsuke {

// Whether all of `text` is what `pattern` says: "*" stands for any text, "?"
// for one byte.
bool SshPatternMatches(std::string_view text, std::string_view pattern);

enum class SshMatch { kNone, kMatch, kNegated };

// What the comma-separated `list` says of `text`. A pattern behind "!" that
// matches outweighs all others.
SshMatch SshListMatches(std::string_view text, std::string_view list);

// The addresses that a list of patterns is about.
struct SshSources {
  AddressSet surely;  // the list matches all of these
  AddressSet maybe;   // and some of these: they cannot be told as networks

  // Whether all is told.
  bool exact() const { return maybe.empty(); }
  // Both.
  AddressSet Possible() const;

  bool operator==(const SshSources&) const = default;
};

// What `list` speaks of, whose patterns are networks ("10.0.0.0/8"), addresses,
// or patterns of their text; those behind "!" taken out. Names of hosts match
// no address. Clients in fe80::/10 have a zone behind their address
// ("fe80::1%eth0", getnameinfo(3)), and sshd takes a network without that zone
// for another one (addr_cmp in addr.c): only patterns of their text match them,
// and what names a zone is about some of them.
SshSources SshAddresses(std::string_view list);

// The same for a list that is compared with the name of the client, which is
// the text of its address unless UseDNS is set: networks in it match nothing.
// With `use_dns` a name may be anything.
SshSources SshHostAddresses(std::string_view list, bool use_dns);

// The same for from=, AllowUsers and DenyUsers, which are about addresses and
// names at once.
SshSources SshClientAddresses(std::string_view list, bool use_dns);

// The text of an address as sshd has it: one in fe80::/10 with `zone` behind.
std::string SshAddressText(const IpAddress& address,
                           std::string_view zone = "lo");

// What sshd says of one address whose text is as SshAddressText has it
// (addr_match_list in addrmatch.c).
SshMatch SshAddressMatches(std::string_view text, std::string_view list);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_PATTERN_H_
