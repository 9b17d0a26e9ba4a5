#include "proto/grpc_tls.h"

#include <grpc/grpc_security_constants.h>

#include <ctime>

#include "proto/status.h"

namespace metsuke {

std::shared_ptr<grpc::ServerCredentials> ServerTls(const Credential& own) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = own.root;
  options.pem_key_cert_pairs.push_back({own.key, own.chain});
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ClientTls(const Credential& own) {
  return grpc::SslCredentials({own.root, own.key, own.chain});
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(
    const std::string& certificate_path, const std::string& key_path,
    const std::string& root_path) {
  ASSIGN_OR_RETURN(const Credential own,
                   LoadCredential(certificate_path, key_path, root_path));
  if (own.identity.role != "controller")
    return absl::InvalidArgumentError(
        certificate_path + ": belongs to the role " + own.identity.role +
        "; make a controller's with metsuke-ca issue controller");
  return ServerTls(own);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(
    const std::string& certificate_path, const std::string& key_path,
    const std::string& root_path) {
  ASSIGN_OR_RETURN(const Credential own,
                   LoadCredential(certificate_path, key_path, root_path));
  if (own.identity.role != "host" && own.identity.role != "operator")
    return absl::InvalidArgumentError(
        certificate_path + ": belongs to the role " + own.identity.role +
        ", which is no client");
  return ClientTls(own);
}

grpc::ChannelArguments ControllerArguments() {
  grpc::ChannelArguments arguments;
  // A controller may be reached by any address, so the address says nothing.
  // What is trusted is the private root, which signs for nobody else, and of
  // its certificates only controllers carry this name and serverAuth: neither
  // a host's nor an operator's can pose as the controller.
  arguments.SetSslTargetNameOverride(kControllerName);
  return arguments;
}

absl::StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated())
    return absl::UnauthenticatedError("the peer showed no certificate");
  const auto pems =
      context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pems.size() != 1)
    return absl::UnauthenticatedError("the peer showed no certificate");
  const auto identity =
      IdentityOf(std::string(pems.front().data(), pems.front().size()));
  if (!identity.ok())
    return absl::UnauthenticatedError(Message(identity.status()));
  const absl::Status valid = CheckTime(*identity, std::time(nullptr));
  if (!valid.ok()) return absl::UnauthenticatedError(Message(valid));
  return identity;
}

}  // namespace metsuke
