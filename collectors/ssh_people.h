// The accounts that sshd may be asked about, with what they have.

#ifndef METSUKE_COLLECTORS_SSH_PEOPLE_H_
#define METSUKE_COLLECTORS_SSH_PEOPLE_H_

#include <cstdint>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/passwd.h"
#include "collectors/ssh_policy.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

struct SshPerson {
  SshAccount account;
  PasswdEntry passwd;
  v1::Account row;
  // The numbers of its groups.
  std::set<uint32_t> groups = {};
};

// All accounts of the host's files, and last one that stands for all names that
// are no account. What a directory knows besides is a gap. The errors of
// CollectAccounts.
absl::StatusOr<std::vector<SshPerson>> FindSshPeople(const Host& host,
                                                     Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_PEOPLE_H_
