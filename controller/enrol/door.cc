#include "controller/enrol/door.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "proto/address.h"
#include "proto/encode.h"
#include "proto/framed_socket.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"
#include "proto/tls.h"

namespace metsuke {
namespace {

std::string Shown(const std::string& text) { return enc::Log(HostText(text)); }

// Whether it is our side that failed and not the one who knocked.
bool IsOurs(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsInternal(status);
}

}  // namespace

absl::StatusOr<TlsContextPtr> EnrolTls(const std::string& certificate_path,
                                       const std::string& key_path) {
  ASSIGN_OR_RETURN(
      const Credential own,
      LoadCredential(certificate_path, key_path, certificate_path));
  if (own.identity.role != "enrol")
    return absl::InvalidArgumentError(
        certificate_path + ": belongs to the role " + own.identity.role +
        "; make one with metsuke-ca issue enrol");
  TlsContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr ||
      SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_num_tickets(context.get(), 0) != 1 ||
      SSL_CTX_use_certificate_chain_file(context.get(),
                                         certificate_path.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), ParseKey(own.key).get()) != 1)
    return absl::InternalError(certificate_path + ": " + OpenSslReason());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

EnrolDoor::EnrolDoor(TlsContextPtr tls, AuthorityClient authority,
                     DoorLimits limits)
    : tls_(std::move(tls)),
      authority_(std::move(authority)),
      limits_(limits),
      attempts_(limits.failures_per_minute, limits.at_once) {}

void EnrolDoor::Serve(int fd) {
  const std::string address = PeerAddress(fd);
  const auto now = std::chrono::steady_clock::now();
  const auto until = now + limits_.time;
  const auto verdict = attempts_.Enter(address, now, until);
  if (verdict != Attempts::Verdict::kWelcome) {
    close(fd);
    return LogRefusal(verdict, address);
  }
  const absl::Status status = Talk(fd, address, until);
  attempts_.Leave(address, !status.ok());
  if (status.ok()) return;
  LogNotice({kEnrolmentRefused}, Priority::kWarning,
            fmt::format("{}: {}", Shown(address), Shown(Message(status))));
}

void EnrolDoor::LogRefusal(Attempts::Verdict verdict,
                           const std::string& address) const {
  if (verdict == Attempts::Verdict::kFailedTooOften)
    Log(Priority::kWarning,
        fmt::format("{}: refused for a minute after {} failures",
                    Shown(address), limits_.failures_per_minute));
  if (verdict == Attempts::Verdict::kTooManyAtOnce)
    Log(Priority::kWarning,
        fmt::format("{}: refused, for it has too many connections at once; {} "
                    "may be",
                    Shown(address), limits_.at_once));
}

// An error when the other side is to be counted as having failed.
absl::Status EnrolDoor::Talk(int fd, const std::string& address,
                             Attempts::Time until) {
  FramedSocket socket(fd, until);
  RETURN_IF_ERROR(socket.AcceptTls(tls_.get()));
  v1::EnrolRequest request;
  RETURN_IF_ERROR(socket.Receive(request));
  auto answered = authority_.Enrol(request);
  v1::EnrolReply reply;
  if (answered.ok()) reply = *answered;
  if (!answered.ok() && IsOurs(answered.status())) {
    Log(Priority::kError, Message(answered.status()));
    reply.set_error("the controller cannot enrol hosts now; try again later");
  } else if (!answered.ok()) {
    reply.set_error(Message(answered.status()));
  }
  const absl::Status sent = socket.Send(reply);
  if (!answered.ok() && !IsOurs(answered.status()))
    return Annotate(answered.status(),
                    fmt::format("refused \"{}\", token {}", request.hostname(),
                                request.token()));
  if (!answered.ok()) return absl::OkStatus();
  // The host's certificate is made and its token used; if it did not get it
  // somebody should know.
  if (sent.ok())
    Log(Priority::kNotice,
        fmt::format("{}: enrolled host {}", Shown(address), reply.host()));
  else
    Log(Priority::kWarning,
        fmt::format("{}: enrolled host {}, which may not have heard so: {}; if "
                    "it has not joined: metsukectl host remove {}",
                    Shown(address), reply.host(), Shown(Message(sent)),
                    reply.host()));
  return absl::OkStatus();
}

}  // namespace metsuke
