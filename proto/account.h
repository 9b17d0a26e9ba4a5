// Accounts of this machine that the programs of Metsuke run as. A package gives
// them numbers that differ from machine to machine, so a configuration that
// says nothing means the account by its name.

#ifndef METSUKE_PROTO_ACCOUNT_H_
#define METSUKE_PROTO_ACCOUNT_H_

#include <sys/types.h>

#include <optional>
#include <string>

namespace metsuke {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

// The account of this name; nothing when there is none or nobody can tell.
std::optional<Account> FindAccount(const std::string& name);

// `configured`, or for 0 the user id of the account `name`; without one 0,
// which is root, whom every program hears anyway.
uid_t UidOr(uid_t configured, const std::string& name);

}  // namespace metsuke

#endif  // METSUKE_PROTO_ACCOUNT_H_
