// What the administrator of the authority's machine does at the command line:
// makes the authority, and certificates for controllers, the enrolment and
// operators. Run by root it leaves its files to the owner of their folder, so
// that the daemons, who are other users, can read them.

#ifndef METSUKE_CONTROLLER_CA_LOCAL_H_
#define METSUKE_CONTROLLER_CA_LOCAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace metsuke {

// Makes root, issuing certificate and ledger in `dir`, which is made 0700 when
// it is not there. AlreadyExists when there is an authority; FailedPrecondition
// when others may enter `dir`.
absl::Status InitAuthority(const std::string& dir);

// Makes a fresh issuing certificate; the root key must be in `dir`.
absl::Status ReissueAuthority(const std::string& dir);

// A certificate somebody wants.
struct LocalWish {
  std::string role;              // "controller", "enrol" or "operator"
  std::string name;              // see Identity
  int64_t days = 0;              // how long; at most until the issuer ends
  std::vector<std::string> dns;  // more DNS names, only of a controller
};

// Writes certificate.pem (the leaf, the issuing certificate, and for the
// enrolment the root, which new hosts know by its pin only), key.pem (a new
// key, 0600) and root.pem into `out`, which is made 0700 when it is not there.
absl::Status IssueLocally(const std::string& dir, const LocalWish& wish,
                          const std::string& out);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_LOCAL_H_
