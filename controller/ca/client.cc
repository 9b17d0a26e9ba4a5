#include "controller/ca/client.h"

#include <utility>

#include "proto/framed_socket.h"
#include "proto/status.h"

namespace metsuke {

AuthorityClient::AuthorityClient(std::string socket,
                                 std::chrono::milliseconds limit)
    : socket_(std::move(socket)), limit_(limit) {}

absl::StatusOr<v1::AuthorityReply> AuthorityClient::Ask(
    const v1::AuthorityRequest& request) const {
  const auto end = std::chrono::steady_clock::now() + limit_;
  auto socket = FramedSocket::ConnectUnix(socket_, end);
  if (!socket.ok())
    return absl::UnavailableError(
        "metsuke-ca cannot be reached; is it "
        "running? " +
        Message(socket.status()));
  v1::AuthorityReply reply;
  // Who may not ask is told so without being listened to.
  const absl::Status sent = socket->Send(request);
  absl::Status status = socket->Receive(reply);
  if (!status.ok() && !sent.ok()) status = sent;
  if (!status.ok())
    return absl::UnavailableError("metsuke-ca did not answer: " +
                                  Message(status));
  if (reply.code() != 0)
    return absl::Status(static_cast<absl::StatusCode>(reply.code()),
                        reply.error());
  return reply;
}

absl::StatusOr<std::string> AuthorityClient::CreateToken(
    const v1::TokenRequest& request) const {
  v1::AuthorityRequest asked;
  *asked.mutable_create_token() = request;
  ASSIGN_OR_RETURN(v1::AuthorityReply reply, Ask(asked));
  return std::move(*reply.mutable_token());
}

absl::StatusOr<std::vector<v1::Token>> AuthorityClient::ListTokens() const {
  v1::AuthorityRequest asked;
  asked.mutable_list_tokens();
  ASSIGN_OR_RETURN(const v1::AuthorityReply reply, Ask(asked));
  return std::vector<v1::Token>(reply.tokens().begin(), reply.tokens().end());
}

absl::StatusOr<v1::EnrolReply> AuthorityClient::Enrol(
    const v1::EnrolRequest& request) const {
  v1::AuthorityRequest asked;
  *asked.mutable_enrol() = request;
  ASSIGN_OR_RETURN(v1::AuthorityReply reply, Ask(asked));
  return std::move(*reply.mutable_enrol());
}

absl::StatusOr<v1::EnrolReply> AuthorityClient::Renew(
    const std::string& host, const std::string& request) const {
  v1::AuthorityRequest asked;
  asked.mutable_renew()->set_host(host);
  asked.mutable_renew()->set_request(request);
  ASSIGN_OR_RETURN(v1::AuthorityReply reply, Ask(asked));
  return std::move(*reply.mutable_enrol());
}

}  // namespace metsuke
