// The principals with which a certificate lets an account in: sshd_config(5),
// AuthorizedPrincipalsFile.

#ifndef METSUKE_COLLECTORS_SSH_PRINCIPALS_H_
#define METSUKE_COLLECTORS_SSH_PRINCIPALS_H_

#include <optional>
#include <string>
#include <string_view>

#include "collectors/gaps.h"
#include "collectors/ssh_people.h"
#include "collectors/ssh_policy.h"

namespace metsuke {

// With what a certificate that the policy's authorities signed lets the account
// in: "the principal deploy", "a principal that /bin/tell tells"; nothing when
// none does. What users wrote into their file hides nothing: it becomes a gap
// of some columns.
std::optional<std::string> SshPrincipals(const Host& host,
                                         const SshPerson& person,
                                         const SshPolicy& policy, Gaps& gaps);

// The same of an authority in authorized_keys, by the options of its line.
std::string SshKeyPrincipals(std::string_view options,
                             const std::string& account);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_PRINCIPALS_H_
