#include "proto/account.h"

#include <pwd.h>

#include <vector>

namespace metsuke {

std::optional<Account> FindAccount(const std::string& name) {
  std::vector<char> memory(1 << 14);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) !=
          0 ||
      found == nullptr)
    return std::nullopt;
  return Account{entry.pw_uid, entry.pw_gid};
}

uid_t UidOr(uid_t configured, const std::string& name) {
  if (configured != 0) return configured;
  const auto account = FindAccount(name);
  return account ? account->uid : 0;
}

}  // namespace metsuke
