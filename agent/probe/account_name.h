// Which names of accounts may be asked for.

#ifndef METSUKE_AGENT_PROBE_ACCOUNT_NAME_H_
#define METSUKE_AGENT_PROBE_ACCOUNT_NAME_H_

#include <string_view>

namespace metsuke {

// Letters, digits, '.', '_' and '-', not '-' first, at most 64. The SSH library
// puts names into patterns and commands where it is let; none of these has a
// meaning there.
inline bool IsPlainAccount(std::string_view account) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !account.empty() && account.size() <= 64 && account[0] != '-' &&
         account.find_first_not_of(kPlain) == std::string_view::npos;
}

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_ACCOUNT_NAME_H_
