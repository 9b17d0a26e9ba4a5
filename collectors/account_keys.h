// The public keys of one account. They stand in files that belong to users, who
// may have put anything in their place.

#ifndef METSUKE_COLLECTORS_ACCOUNT_KEYS_H_
#define METSUKE_COLLECTORS_ACCOUNT_KEYS_H_

#include <string>
#include <vector>

#include "collectors/host.h"
#include "collectors/passwd.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// What of sshd's configuration decides about keys.
struct KeySource {
  // As AuthorizedKeysFile has them, tokens included.
  std::vector<std::string> files;
  bool strict_modes;
};

// Adds a row to authorized_keys for each key of the account, and what could not
// be read to gaps. Files that lead out of the home hold for accounts without
// one, too.
void AddAccountKeys(const Host& host, const PasswdEntry& account,
                    const KeySource& source, v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_ACCOUNT_KEYS_H_
