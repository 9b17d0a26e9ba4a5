#include "collectors/uid_names.h"

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/passwd.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// Uids that an account may give to its own processes, subuid(5).
struct LentRange {
  uint32_t first, count;
  std::string owner;
};

std::vector<LentRange> LentUids(const Host& host) {
  std::vector<LentRange> ranges;
  const auto text = host.Read("/etc/subuid");
  if (!text.ok()) return ranges;
  for (const std::string_view line : Lines(*text)) {
    const auto parts = Pieces(line, ':');
    if (parts.size() != 3) continue;
    LentRange range{0, 0, std::string(parts[0])};
    if (ParseId(std::string(parts[1]), &range.first) &&
        ParseId(std::string(Strip(parts[2])), &range.count))
      ranges.push_back(std::move(range));
  }
  return ranges;
}

}  // namespace

NameOfUid ReadUidNames(const Host& host) {
  std::map<uint32_t, std::string> names;
  int foreign = 0;
  const auto accounts = ReadPasswd(host, &foreign);
  if (accounts.ok())
    for (const PasswdEntry& account : *accounts)
      names.try_emplace(account.uid, account.name);
  return [names, lent = LentUids(host)](uint32_t uid) {
    const auto found = names.find(uid);
    if (found != names.end()) return found->second;
    for (const LentRange& range : lent)
      if (uid >= range.first && uid - range.first < range.count)
        return range.owner;
    return std::to_string(uid);
  };
}

}  // namespace metsuke
