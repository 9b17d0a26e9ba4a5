// The agent's identity on disk, in its state folder (0700):
//   identity.pem           private key and certificate chain in one file, so
//                          that they change together or not at all
//   identity.previous.pem  the one before, until the new one was seen to work
//   root.pem               what the controller is checked against

#ifndef METSUKE_AGENT_IDENTITY_FILES_H_
#define METSUKE_AGENT_IDENTITY_FILES_H_

#include <boost/filesystem/path.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "proto/tls.h"

namespace metsuke {

// Whether the host was ever enrolled.
bool HasIdentity(const boost::filesystem::path& state);

// What to connect with. NotFound, with what to do, when the host was never
// enrolled; else errors as of LoadCredential. When identity.pem cannot be used
// but the previous one can, the previous one.
absl::StatusOr<Credential> LoadIdentity(const boost::filesystem::path& state);

// Keeps a first identity. `root` is written first: a crash in between leaves
// a host that is not enrolled, and not one that trusts the wrong root.
absl::Status StoreIdentity(const boost::filesystem::path& state,
                           const std::string& key, const std::string& chain,
                           const std::string& root);

// A renewal under way: a new key, and the request to send for it.
struct Renewal {
  std::string key;      // PEM; stays in memory until the certificate is there
  std::string request;  // DER, for v1::Renewal
};
absl::StatusOr<Renewal> StartRenewal();

// Whether it is time: at half of the certificate's life, a tenth of that
// earlier or later by `jitter`, which is between -1 and 1 and chosen once per
// certificate, so that hosts enrolled together do not renew together.
bool RenewalDue(const Identity& identity, int64_t now, double jitter);

// Keeps the certificate that came for `renewal`, and the identity so far as the
// previous one. InvalidArgument, and nothing is changed, when it is not for the
// renewal's key, not for this host, or not valid now.
absl::Status StoreRenewal(const boost::filesystem::path& state,
                          const Renewal& renewal, const std::string& chain);

// The controller has accepted the present identity: forgets the previous one.
absl::Status ConfirmIdentity(const boost::filesystem::path& state);

// The controller has refused the present identity: goes back to the previous
// one. NotFound when there is none.
absl::Status RevertIdentity(const boost::filesystem::path& state);

}  // namespace metsuke

#endif  // METSUKE_AGENT_IDENTITY_FILES_H_
