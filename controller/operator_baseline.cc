// Operators' calls about the baseline and about join tokens.

#include "controller/operator.h"
#include "controller/operator_call.h"
#include "proto/log.h"

namespace metsuke {

grpc::Status OperatorService::GetBaseline(grpc::ServerContext*,
                                          const v1::BaselineRequest*,
                                          v1::BaselineReply* reply) {
  const auto judge = baseline_.judge();
  const auto stored = baseline_.stored();
  if (!judge || !stored) return grpc::Status::OK;
  reply->set_version(stored->version);
  reply->set_applied(stored->applied);
  reply->set_by(stored->by);
  *reply->mutable_baseline() = judge->baseline().ToMessage();
  return grpc::Status::OK;
}

grpc::Status OperatorService::ApplyBaseline(grpc::ServerContext* context,
                                            const v1::ApplyRequest* request,
                                            v1::ApplyReply* reply) {
  const std::string by = Caller(*context);
  const auto judge = baseline_.Apply(
      {request->files().begin(), request->files().end()}, by, Now());
  if (!judge.ok()) return ToGrpc(judge.status());
  const CompiledBaseline& baseline = (*judge)->baseline();
  Log(Priority::kNotice, "operator " + by + " put baseline " +
                             baseline.version.substr(0, 12) + " in force");
  reply->set_version(baseline.version);
  reply->set_controls(baseline.controls.size());
  return grpc::Status::OK;
}

absl::StatusOr<AuthorityClient> OperatorService::Authority() const {
  if (options_.authority.empty())
    return absl::UnimplementedError(
        "this controller has no authority configured; set `authority` in "
        "controller.yaml");
  return AuthorityClient(options_.authority);
}

grpc::Status OperatorService::CreateToken(grpc::ServerContext* context,
                                          const v1::TokenRequest* request,
                                          v1::CreateTokenReply* reply) {
  const auto authority = Authority();
  if (!authority.ok()) return ToGrpc(authority.status());
  v1::TokenRequest asked = *request;
  asked.set_creator(Caller(*context));
  const auto token = authority->CreateToken(asked);
  if (!token.ok()) return ToGrpc(token.status());
  Log(Priority::kNotice, "operator " + asked.creator() + " made a join token");
  reply->set_token(*token);
  return grpc::Status::OK;
}

grpc::Status OperatorService::ListTokens(grpc::ServerContext*,
                                         const v1::TokenListRequest*,
                                         v1::ListTokensReply* reply) {
  const auto authority = Authority();
  if (!authority.ok()) return ToGrpc(authority.status());
  const auto tokens = authority->ListTokens();
  if (!tokens.ok()) return ToGrpc(tokens.status());
  reply->mutable_tokens()->Assign(tokens->begin(), tokens->end());
  return grpc::Status::OK;
}

}  // namespace metsuke
