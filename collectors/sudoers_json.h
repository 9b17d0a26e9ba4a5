// The JSON that cvtsudoers(1) of the package sudo makes of a sudoers policy,
// turned into rules.

#ifndef METSUKE_COLLECTORS_SUDOERS_JSON_H_
#define METSUKE_COLLECTORS_SUDOERS_JSON_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "collectors/passwd.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// Adds the rules in `json`, the output of `cvtsudoers -f json -e`, to
// sudo_rules of `snapshot`. A Defaults line that lets an account of a group
// that a rule names go without a password gives that account a row of its own;
// `accounts` and `groups` say who is in which. InvalidArgument when it is no
// such output.
absl::Status ParseSudoers(const std::string& json,
                          const std::vector<PasswdEntry>& accounts,
                          const std::vector<GroupEntry>& groups,
                          v1::Snapshot& snapshot);

// Adds a gap for each !authenticate in `json`, the output for Defaults that
// speak of hosts, commands and target users (-d host,runas,command): those
// cannot be laid on single rules.
absl::Status ParseBoundDefaults(const std::string& json,
                                v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SUDOERS_JSON_H_
