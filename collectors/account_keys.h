// The public keys of one account. They stand in files that belong to users, who
// may have put anything in their place.

#ifndef METSUKE_COLLECTORS_ACCOUNT_KEYS_H_
#define METSUKE_COLLECTORS_ACCOUNT_KEYS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

// A file whose path has tokens, such as AuthorizedPrincipalsFile.
struct AccountFile {
  std::string path;
  // The errors of Host::Read.
  absl::StatusOr<std::string> text;
  // Whether StrictModes makes sshd ignore it.
  bool ignored = false;
};
AccountFile ReadAccountFile(const Host& host, const PasswdEntry& account,
                            const std::string& pattern, bool strict_modes);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_ACCOUNT_KEYS_H_
