// TLS for gRPC: both sides show a certificate of the fleet, always. There is no
// way to make a credential here that lets an unauthenticated peer through.

#ifndef METSUKE_PROTO_GRPC_TLS_H_
#define METSUKE_PROTO_GRPC_TLS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/identity.h"
#include "proto/tls.h"

namespace metsuke {

// Credentials of a server that demands and verifies a certificate of the fleet
// from each client. Which role the client has, PeerIdentity says; each call
// must ask it. Errors as of LoadCredential, and when the certificate is not a
// controller's.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(
    const std::string& certificate_path, const std::string& key_path,
    const std::string& root_path);

// Credentials of an agent or an operator. Errors as of LoadCredential, and when
// the certificate is a server's.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(
    const std::string& certificate_path, const std::string& key_path,
    const std::string& root_path);

// The same from a credential that is in memory.
std::shared_ptr<grpc::ServerCredentials> ServerTls(const Credential& own);
std::shared_ptr<grpc::ChannelCredentials> ClientTls(const Credential& own);

// Arguments every channel to a controller is made with: only a certificate
// that carries kControllerName is taken for the controller.
grpc::ChannelArguments ControllerArguments();

// Who is at the other end, checked against the clock: also a session that
// began before the certificate expired is refused after. Unauthenticated with
// the reason when the peer is nobody of the fleet. Cheap enough for each call
// (tens of microseconds); a long stream calls CheckTime again now and then.
absl::StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context);

}  // namespace metsuke

#endif  // METSUKE_PROTO_GRPC_TLS_H_
