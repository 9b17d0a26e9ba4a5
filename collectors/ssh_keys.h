// The keys with which accounts get in over SSH, as far as sshd takes them.

#ifndef METSUKE_COLLECTORS_SSH_KEYS_H_
#define METSUKE_COLLECTORS_SSH_KEYS_H_

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "collectors/gaps.h"
#include "collectors/ssh_people.h"
#include "collectors/ssh_policy.h"

namespace metsuke {

class SshKeys {
 public:
  // Both must outlive it. What users write into their keys hides no row: it
  // becomes a key that may be used from everywhere, and a gap of some columns.
  SshKeys(const Host& host, Gaps& gaps) : host_(host), gaps_(gaps) {}

  // Keys that are alike: of ssh_access the columns `restrictions` and `why`, a
  // part of each.
  struct Kind {
    std::string restrictions, why;

    auto operator<=>(const Kind&) const = default;
  };

  // The keys that sshd would take of the account, and from where.
  std::map<Kind, AddressSet> Of(const SshPerson& person,
                                const SshPolicy& policy);

 private:
  // What the files of an account come to.
  struct Read {
    std::vector<v1::AuthorizedKey> keys;
    std::vector<std::string> unread;  // paths
  };
  const Read& FilesOf(const SshPerson& person, const SshPolicy& policy);
  const SshSources& From(const v1::AuthorizedKey& key, bool use_dns);

  const Host& host_;
  Gaps& gaps_;
  // By the account, AuthorizedKeysFile and StrictModes.
  std::map<std::tuple<std::string, std::vector<std::string>, bool>, Read>
      files_;
  std::map<std::string, SshSources> lists_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_KEYS_H_
