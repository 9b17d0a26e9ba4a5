// Passwords as far as anybody outside the host may know them: whether one is
// set and how it is hashed. Nothing declared here returns a hash or a part of
// one; no error and no gap quotes a line of /etc/shadow.

#ifndef METSUKE_COLLECTORS_SHADOW_H_
#define METSUKE_COLLECTORS_SHADOW_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// What a password field says.
struct PasswordState {
  std::string_view state;      // "set", "empty", "locked" or "none"
  std::string_view hash = "";  // the class, such as "yescrypt"; "" without hash
  bool strong = true;          // what crypt_checksalt(3) says; true without
};

// Judges the password field of shadow(5) or passwd(5). A field is a hash when
// libcrypt takes its setting and it is as long as that method's output; any
// other text is what no password can hash to.
PasswordState ClassifyPassword(std::string_view field);

// One line of /etc/shadow. Days since 1970 or days long, -1 where the field is
// empty.
struct ShadowEntry {
  PasswordState password;
  int64_t changed, min, max, warn, inactive, expires;
};

// The entries of `text` by login name; of two lines for one name the first
// counts, as for getspnam(3), and a line that is none is left out, as there.
std::map<std::string, ShadowEntry> ParseShadow(std::string_view text);

// The entries of /etc/shadow; the errors of Host::Read, NotFound among them.
absl::StatusOr<std::map<std::string, ShadowEntry>> ReadShadow(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SHADOW_H_
