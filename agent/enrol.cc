#include "agent/enrol.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <ctime>
#include <utility>

#include "agent/identity_files.h"
#include "proto/authority.pb.h"
#include "proto/encode.h"
#include "proto/framed_socket.h"
#include "proto/join_token.h"
#include "proto/openssl.h"
#include "proto/status.h"
#include "proto/tls.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// What the verification during the handshake needs and finds.
struct Check {
  std::string pin;   // in
  std::string root;  // out: the certificate with that pin, PEM
  std::string why;   // out: why it failed
};

// The root is not trusted because it was sent but because its key is the one
// of the token; X509_verify_cert then checks every signature, date and use.
bool VerifyUnder(X509* root, X509_STORE_CTX* shown, Check& check) {
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (X509_STORE_add_cert(store.get(), root) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(),
                          X509_STORE_CTX_get0_cert(shown),
                          X509_STORE_CTX_get0_untrusted(shown)) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_server") != 1) {
    check.why = OpenSslReason();
    return false;
  }
  if (X509_verify_cert(context.get()) != 1) {
    check.why =
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    return false;
  }
  const auto identity = IdentityOf(ToPem(X509_STORE_CTX_get0_cert(shown)));
  if (identity.ok() && identity->role == "enrol") return true;
  check.why = identity.ok() ? "it is another program of the fleet"
                            : Message(identity.status());
  return false;
}

// Called within the handshake, before this side has sent its Finished: the
// connection is over when it returns 0 (SSL_CTX_set_cert_verify_callback(3)).
int VerifyServer(X509_STORE_CTX* shown, void* argument) {
  Check& check = *static_cast<Check*>(argument);
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(shown);
  check.why = "it does not have the root key that the token names";
  int good = 0;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* certificate = sk_X509_value(chain, i);
    if (KeyPin(certificate) != check.pin) continue;
    good = VerifyUnder(certificate, shown, check) ? 1 : 0;
    if (good == 1) check.root = ToPem(certificate);
    break;
  }
  if (good == 0)
    X509_STORE_CTX_set_error(shown, X509_V_ERR_APPLICATION_VERIFICATION);
  return good;
}

absl::StatusOr<TlsContextPtr> ClientContext(Check& check) {
  TlsContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr ||
      SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return absl::InternalError("TLS: " + OpenSslReason());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), VerifyServer, &check);
  return context;
}

absl::Status NotTheOne(const std::string& address, const std::string& why) {
  return absl::UnauthenticatedError(fmt::format(
      "{} is not the controller this join token is for: {}; nothing was sent. "
      "Check the address, and that the token was made on that controller; if "
      "both are right, somebody may be in between",
      address, enc::Log(HostText(why))));
}

absl::Status NoAnswer(const std::string& address, const absl::Status& status) {
  return absl::Status(
      absl::IsDeadlineExceeded(status) ? absl::StatusCode::kDeadlineExceeded
                                       : absl::StatusCode::kUnavailable,
      fmt::format("{}: {}; check the address, that metsuke-enrol runs there "
                  "and that no firewall is in between; an address that failed "
                  "five times is not answered for a minute",
                  address, enc::Log(HostText(Message(status)))));
}

std::string OwnName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return ToUtf8(name);
}

// One message each way. `root` gets the root that the connection was verified
// under.
absl::StatusOr<v1::EnrolReply> Ask(const std::string& address,
                                   const v1::EnrolRequest& request,
                                   const std::string& pin,
                                   std::chrono::milliseconds limit,
                                   std::string& root) {
  Check check{pin, "", ""};
  ASSIGN_OR_RETURN(const TlsContextPtr context, ClientContext(check));
  auto socket = FramedSocket::ConnectTcp(
      address, std::chrono::steady_clock::now() + limit);
  if (absl::IsInvalidArgument(socket.status())) return socket.status();
  if (!socket.ok()) return NoAnswer(address, socket.status());
  const absl::Status shaken = socket->ConnectTls(context.get());
  if (!shaken.ok() && !check.why.empty() && check.root.empty())
    return NotTheOne(address, check.why);
  if (!shaken.ok()) return NoAnswer(address, shaken);
  v1::EnrolReply reply;
  absl::Status status = socket->Send(request);
  if (status.ok()) status = socket->Receive(reply);
  if (!status.ok()) return NoAnswer(address, status);
  root = check.root;
  return reply;
}

absl::Status CheckReply(const v1::EnrolReply& reply, const std::string& key) {
  if (!reply.error().empty())
    return absl::FailedPreconditionError(enc::Log(HostText(reply.error())));
  ASSIGN_OR_RETURN(const Identity identity, IdentityOf(reply.chain()));
  if (identity.role != "host" || identity.name != reply.host())
    return absl::InternalError("the controller sent another's certificate");
  RETURN_IF_ERROR(CheckTime(identity, std::time(nullptr)));
  return CheckKey(reply.chain(), key);
}

}  // namespace

absl::StatusOr<Identity> Enrol(const std::string& address,
                               const std::string& token,
                               const boost::filesystem::path& state,
                               std::chrono::milliseconds limit) {
  ASSIGN_OR_RETURN(const JoinToken join, ParseJoinToken(token));
  boost::system::error_code error;
  if (!boost::filesystem::is_directory(state, error) ||
      access(state.c_str(), W_OK) != 0)
    // Found out now, before it costs the token.
    return absl::FailedPreconditionError(
        state.string() + ": not a folder this user can write to");
  ASSIGN_OR_RETURN(const std::string key, MakeKey());
  v1::EnrolRequest request;
  request.set_token(join.id);
  request.set_secret(join.secret);
  request.set_hostname(OwnName());
  ASSIGN_OR_RETURN(*request.mutable_request(), MakeRequest(key));
  std::string root;
  ASSIGN_OR_RETURN(const v1::EnrolReply reply,
                   Ask(address, request, join.pin, limit, root));
  RETURN_IF_ERROR(CheckReply(reply, key));
  RETURN_IF_ERROR(StoreIdentity(state, key, reply.chain(), root));
  return IdentityOf(reply.chain());
}

}  // namespace metsuke
