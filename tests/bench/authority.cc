#include "authority.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "controller/ca/local.h"
#include "proto/grpc_tls.h"
#include "proto/join_token.h"
#include "proto/status.h"

namespace metsuke {

absl::StatusOr<BenchAuthority> BenchAuthority::Make(const Folder& folder) {
  const std::string state = folder / "ca";
  RETURN_IF_ERROR(InitAuthority(state));
  ASSIGN_OR_RETURN(auto authority, Authority::Open(state, {}));
  return BenchAuthority(state, folder / "issued", std::move(authority));
}

absl::StatusOr<Credential> BenchAuthority::Issue(
    const std::string& role, const std::string& name) const {
  const std::string out = out_ + "-" + role + "-" + name;
  RETURN_IF_ERROR(
      IssueLocally(state_, {.role = role, .name = name, .days = 1}, out));
  return LoadCredential(out + "/certificate.pem", out + "/key.pem",
                        out + "/root.pem");
}

absl::StatusOr<Credential> BenchAuthority::Enrol() const {
  const int64_t now = std::time(nullptr);
  v1::AuthorityRequest request;
  request.mutable_create_token();
  ASSIGN_OR_RETURN(
      const JoinToken token,
      ParseJoinToken(authority_->Answer(request, 0, now).token()));
  Credential own;
  ASSIGN_OR_RETURN(own.key, MakeKey());
  v1::EnrolRequest& enrol = *request.mutable_enrol();
  enrol.set_token(token.id);
  enrol.set_secret(token.secret);
  ASSIGN_OR_RETURN(*enrol.mutable_request(), MakeRequest(own.key));
  enrol.set_hostname("bench");
  const v1::AuthorityReply reply = authority_->Answer(request, 0, now);
  if (!reply.error().empty()) return absl::InternalError(reply.error());
  own.chain = reply.enrol().chain();
  own.root = reply.enrol().root();
  ASSIGN_OR_RETURN(own.identity, IdentityOf(own.chain));
  return own;
}

absl::StatusOr<std::unique_ptr<Server>> StartServer(
    const Credential& own, SyncService& sync,
    std::vector<grpc::Service*> services) {
  v1::ControllerConfig config;
  config.set_listen("127.0.0.1:0");
  config.set_max_connections(10000);
  config.set_max_connections_per_address(1000);
  return Server::Start(config, own,
                       {.sync = &sync, .services = std::move(services)});
}

std::shared_ptr<grpc::Channel> OpenOwnChannel(int port,
                                              const Credential& credential) {
  grpc::ChannelArguments arguments = ControllerArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port),
                                   ClientTls(credential), arguments);
}

}  // namespace metsuke
