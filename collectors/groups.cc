// Fills the groups table from /etc/group and, for primary groups, /etc/passwd.

#include <map>
#include <set>

#include "collectors/collector.h"
#include "collectors/passwd.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectGroups(const Host& host, v1::Snapshot& snapshot) {
  int foreign = 0;
  ASSIGN_OR_RETURN(const std::vector<GroupEntry> groups,
                   ReadGroups(host, &foreign));
  ASSIGN_OR_RETURN(const std::vector<PasswdEntry> accounts,
                   ReadPasswd(host, &foreign));
  std::multimap<uint32_t, std::string> primary;
  for (const PasswdEntry& account : accounts)
    primary.emplace(account.gid, account.name);
  for (const GroupEntry& group : groups) {
    std::set<std::string> members(group.members.begin(), group.members.end());
    const auto [first, last] = primary.equal_range(group.gid);
    for (auto account = first; account != last; ++account)
      members.insert(account->second);
    v1::Group& row = *snapshot.add_groups();
    row.set_name(group.name);
    row.set_gid(group.gid);
    for (const std::string& member : members) row.add_members(member);
  }
  if (foreign > 0)
    AddGap(snapshot, "groups", "/etc/group",
           "a \"+\" or \"-\" line asks for groups or accounts of NIS");
  return absl::OkStatus();
}

}  // namespace metsuke
