#include "collectors/file_owners.h"

#include "collectors/collector.h"
#include "collectors/passwd.h"
#include "proto/status.h"

namespace metsuke {
namespace {

std::string NameIn(const std::map<uint32_t, std::string>& names,
                   uint32_t number) {
  const auto found = names.find(number);
  return found == names.end() ? std::to_string(number) : found->second;
}

}  // namespace

FileOwners::FileOwners(const Host& host, std::string_view table,
                       v1::Snapshot& snapshot) {
  int foreign = 0;
  const auto accounts = ReadPasswd(host, &foreign);
  const auto groups = ReadGroups(host, &foreign);
  if (accounts.ok())
    for (const PasswdEntry& account : *accounts)
      users_.emplace(account.uid, account.name);
  if (groups.ok())
    for (const GroupEntry& group : *groups)
      groups_.emplace(group.gid, group.name);
  for (const absl::Status& status : {accounts.status(), groups.status()})
    if (!status.ok() && !absl::IsNotFound(status))
      AddGap(snapshot, table, "names of owners", Message(status));
}

std::string FileOwners::User(uint32_t number) const {
  return NameIn(users_, number);
}

std::string FileOwners::Group(uint32_t number) const {
  return NameIn(groups_, number);
}

}  // namespace metsuke
