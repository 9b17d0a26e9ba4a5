// The keys of the fleet: a root (P-384, ten years) that signs nothing but
// issuing certificates and may be taken off the machine, and an issuing key
// (P-256, a year, no further authority below it) that signs the leaves.

#ifndef METSUKE_CONTROLLER_CA_ISSUER_H_
#define METSUKE_CONTROLLER_CA_ISSUER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/ca/ledger.h"
#include "proto/openssl.h"

namespace metsuke {

// Files within the folder of the authority.
inline constexpr char kRootCertificate[] = "/root.pem";
inline constexpr char kRootKey[] = "/root-key.pem";
inline constexpr char kIssuingCertificate[] = "/issuing.pem";
inline constexpr char kIssuingKey[] = "/issuing-key.pem";

// Makes the root in `dir`, valid from `now`. AlreadyExists when there is one.
absl::Status MakeRoot(const std::string& dir, int64_t now);

// Makes an issuing certificate in `dir`, signed by the root there, and takes
// the place of an older one. Hosts need not be told: each gets the issuing
// certificate with its own, and trusts the root.
absl::Status MakeIssuing(const std::string& dir, int64_t now);

// The public key of a signing request. InvalidArgument when it is no request,
// is not signed with its key, or when the key is none on P-256, the one kind
// the programs of the fleet make.
absl::StatusOr<KeyPtr> RequestedKey(const std::string& request_der);

// SHA-256 over the public key, as a Wish has it.
std::string KeyDigest(EVP_PKEY* key);

class Issuer {
 public:
  // NotFound, with what to do, when `dir` was never initialised.
  static absl::StatusOr<Issuer> Load(const std::string& dir);

  // The one way to a leaf: signs what was granted, for the key it was granted
  // for. Returns leaf and issuing certificate in PEM. A controller's leaf also
  // has kControllerName and `dns` as DNS names; no other may have one.
  absl::StatusOr<std::string> Issue(const Grant& grant, EVP_PKEY* key,
                                    const std::vector<std::string>& dns) const;

  const std::string& root() const { return root_; }  // PEM
  const std::string& pin() const { return pin_; }    // KeyPin of the root
  // When the issuing certificate ends, seconds since 1970-01-01 UTC.
  int64_t ends() const { return ends_; }

 private:
  Issuer() = default;

  CertificatePtr certificate_;
  KeyPtr key_;
  std::string root_, pin_;
  int64_t ends_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_ISSUER_H_
