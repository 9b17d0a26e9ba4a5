#include "collectors/ssh_people.h"

#include <map>
#include <set>

#include "collectors/name_service.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectAccounts(const Host& host, v1::Snapshot& snapshot);

namespace {

// No name of an account has a slash (useradd(8)), and no pattern that is meant
// for some account matches this.
constexpr char kNobody[] = "metsuke/nobody";

// sshd knows groups by number, and calls each by its first name.
class GroupNames {
 public:
  explicit GroupNames(const std::vector<GroupEntry>& groups) {
    for (const GroupEntry& group : groups) {
      names_.emplace(group.gid, group.name);
      for (const std::string& member : group.members)
        numbers_[member].insert(group.gid);
    }
  }

  std::set<uint32_t> NumbersOf(const PasswdEntry& account) const {
    std::set<uint32_t> numbers = {account.gid};
    if (const auto more = numbers_.find(account.name); more != numbers_.end())
      numbers.insert(more->second.begin(), more->second.end());
    return numbers;
  }

  std::vector<std::string> Of(const PasswdEntry& account) const {
    std::vector<std::string> names;
    for (const uint32_t number : NumbersOf(account))
      if (const auto name = names_.find(number); name != names_.end())
        names.push_back(name->second);
    return names;
  }

 private:
  std::map<uint32_t, std::string> names_;
  std::map<std::string, std::set<uint32_t>> numbers_;
};

void AddDirectoryGaps(const Host& host, Gaps& gaps) {
  for (const char* database : {"passwd", "group", "initgroups"})
    for (const std::string& source : ForeignSources(host, database))
      gaps.Add("/etc/nsswitch.conf", std::string(database) + ": " + source +
                                         ": what it knows is not among these");
}

}  // namespace

absl::StatusOr<std::vector<SshPerson>> FindSshPeople(const Host& host,
                                                     Gaps& gaps) {
  AddDirectoryGaps(host, gaps);
  v1::Snapshot accounts;
  RETURN_IF_ERROR(CollectAccounts(host, accounts));
  std::map<std::string, v1::Account> rows;
  for (v1::Account& row : *accounts.mutable_accounts())
    rows.emplace(row.name(), std::move(row));
  int foreign = 0;
  ASSIGN_OR_RETURN(const auto entries, ReadPasswd(host, &foreign));
  ASSIGN_OR_RETURN(const auto groups, ReadGroups(host, &foreign));
  if (foreign > 0)
    gaps.Add("/etc/passwd", "accounts or groups of NIS are not among these");
  const GroupNames names(groups);
  std::vector<SshPerson> people;
  for (const PasswdEntry& entry : entries) {
    // sshd -C cannot be asked about it.
    if (entry.name.find(',') != std::string::npos)
      gaps.Add(entry.name, "an account with a comma in its name");
    else
      people.push_back({{entry.name, names.Of(entry), true, entry.uid == 0},
                        entry,
                        rows[entry.name],
                        names.NumbersOf(entry)});
  }
  people.push_back({{kNobody, {}, false, false}, {}, {}});
  return people;
}

}  // namespace metsuke
