// What the controller and metsuke-enrol ask of metsuke-ca, over its unix
// socket.

#ifndef METSUKE_CONTROLLER_CA_CLIENT_H_
#define METSUKE_CONTROLLER_CA_CLIENT_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/authority.pb.h"

namespace metsuke {

// Holds no connection: each call makes one, so it may be used by many threads
// and lives through a restart of metsuke-ca. A call takes at most `limit`.
// What metsuke-ca refuses comes back with its code and its sentence;
// Unavailable when it does not run.
class AuthorityClient {
 public:
  explicit AuthorityClient(std::string socket, std::chrono::milliseconds limit =
                                                   std::chrono::seconds(4));

  // The text of a new join token, to be shown once and kept nowhere.
  absl::StatusOr<std::string> CreateToken(
      const v1::TokenRequest& request) const;

  // The newest 100 tokens, newest first.
  absl::StatusOr<std::vector<v1::Token>> ListTokens() const;

  // A host's first certificate.
  absl::StatusOr<v1::EnrolReply> Enrol(const v1::EnrolRequest& request) const;

  // The next certificate of `host`, which must come from the certificate of
  // the connection that asks and from nowhere else; `request` is its signing
  // request in DER.
  absl::StatusOr<v1::EnrolReply> Renew(const std::string& host,
                                       const std::string& request) const;

 private:
  absl::StatusOr<v1::AuthorityReply> Ask(
      const v1::AuthorityRequest& request) const;

  std::string socket_;
  std::chrono::milliseconds limit_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_CLIENT_H_
