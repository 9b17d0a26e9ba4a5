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

// The addresses that `list` speaks of, whose patterns are networks
// ("10.0.0.0/8"), addresses, or patterns of their text; those behind "!" taken
// out. Nothing when a pattern cannot be told as networks, such as "*7". Names
// of hosts match no address.
std::optional<AddressSet> SshAddresses(std::string_view list);

// The same for a list that is compared with the name of the client, which is
// the text of its address unless UseDNS is set: networks in it match nothing.
std::optional<AddressSet> SshHostAddresses(std::string_view list);

// The same for from=, AllowUsers and DenyUsers, which are about addresses and
// names at once. Nothing, too, when a pattern may be meant for a name and
// clients have names: with `use_dns`.
std::optional<AddressSet> SshClientAddresses(std::string_view list,
                                             bool use_dns);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_PATTERN_H_
