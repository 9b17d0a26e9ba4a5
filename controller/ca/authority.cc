#include "controller/ca/authority.h"

#include <fmt/format.h>

#include <utility>

#include "proto/encode.h"
#include "proto/identity.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

std::string Shown(const std::string& text) { return enc::Log(HostText(text)); }

// Whoever holds no secret learns nothing about which tokens exist.
absl::Status ForTheHost(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return absl::PermissionDeniedError(
          "the join token is not valid here; make a new one with \"metsukectl "
          "token create\" on the controller this host is to join");
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
      return absl::UnavailableError(
          "the authority could not do it; its log says why");
    default:
      return status;
  }
}

absl::Status CheckSizes(const v1::EnrolRequest& request) {
  if (request.token().size() > 64 || request.secret().size() > 64 ||
      request.hostname().size() > 255 || request.request().size() > 4096)
    return absl::InvalidArgumentError("a part of the request is too long");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Authority>> Authority::Open(
    const std::string& dir, const Settings& settings) {
  ASSIGN_OR_RETURN(Issuer issuer, Issuer::Load(dir));
  ASSIGN_OR_RETURN(auto ledger, Ledger::Open(dir));
  return std::unique_ptr<Authority>(
      new Authority(std::move(issuer), std::move(ledger), settings));
}

Authority::Authority(Issuer issuer, std::unique_ptr<Ledger> ledger,
                     const Settings& settings)
    : issuer_(std::move(issuer)),
      ledger_(std::move(ledger)),
      settings_(settings) {
  if (settings_.host_days == 0) settings_.host_days = 7;
}

v1::AuthorityReply Authority::Answer(const v1::AuthorityRequest& request,
                                     uid_t asker, int64_t now) {
  v1::AuthorityReply reply;
  absl::Status status;
  if (MayAsk(request, asker)) {
    status = Fill(request, now, reply);
  } else {
    Log(Priority::kWarning,
        fmt::format("refused user {}, who may not ask for this", asker));
    status = absl::PermissionDeniedError(fmt::format(
        "user {} may not ask the authority for this; see controller_uid and "
        "enrol_uid in ca.yaml",
        asker));
  }
  if (status.ok()) return reply;
  reply.Clear();
  reply.set_error(Message(status));
  reply.set_code(static_cast<uint32_t>(status.code()));
  return reply;
}

bool Authority::Hears(uid_t asker) const {
  return asker == 0 || asker == settings_.controller_uid ||
         asker == settings_.enrol_uid;
}

bool Authority::MayAsk(const v1::AuthorityRequest& request, uid_t asker) const {
  if (asker == 0 || asker == settings_.controller_uid) return true;
  return asker == settings_.enrol_uid && request.has_enrol();
}

absl::Status Authority::Fill(const v1::AuthorityRequest& request, int64_t now,
                             v1::AuthorityReply& reply) {
  switch (request.request_case()) {
    case v1::AuthorityRequest::kEnrol:
      return Enrol(request.enrol(), now, *reply.mutable_enrol());
    case v1::AuthorityRequest::kRenew:
      return Renew(request.renew(), now, *reply.mutable_enrol());
    case v1::AuthorityRequest::kCreateToken:
      return CreateToken(request.create_token(), now, *reply.mutable_token());
    case v1::AuthorityRequest::kListTokens: {
      ASSIGN_OR_RETURN(auto tokens, ledger_->Tokens());
      for (v1::Token& token : tokens) *reply.add_tokens() = std::move(token);
      return absl::OkStatus();
    }
    default:
      return absl::InvalidArgumentError("an unknown request");
  }
}

absl::Status Authority::Enrol(const v1::EnrolRequest& request, int64_t now,
                              v1::EnrolReply& reply) {
  RETURN_IF_ERROR(CheckSizes(request));
  // A damaged request must not use up the token.
  ASSIGN_OR_RETURN(const KeyPtr key, RequestedKey(request.request()));
  const auto grant = ledger_->GrantHost(request, MakeWish(key.get(), now));
  if (!grant.ok()) {
    Log(Priority::kWarning,
        fmt::format("refused to enrol \"{}\" with token {}: {}",
                    Shown(request.hostname()), Shown(request.token()),
                    Message(grant.status())));
    return ForTheHost(grant.status());
  }
  Log(Priority::kNotice,
      fmt::format("enrolled \"{}\" as host {} with token {}, serial {}",
                  Shown(request.hostname()), grant->name(), request.token(),
                  grant->serial()));
  return Sign(*grant, key.get(), reply);
}

absl::Status Authority::Renew(const v1::RenewRequest& request, int64_t now,
                              v1::EnrolReply& reply) {
  if (!ValidName("host", request.host()))
    return absl::InvalidArgumentError("not the identity of a host");
  ASSIGN_OR_RETURN(const KeyPtr key, RequestedKey(request.request()));
  ASSIGN_OR_RETURN(
      const Grant grant,
      ledger_->GrantRenewal(request.host(), MakeWish(key.get(), now)));
  Log(Priority::kInfo,
      fmt::format("renewed host {}, serial {}", grant.name(), grant.serial()));
  return Sign(grant, key.get(), reply);
}

absl::Status Authority::CreateToken(const v1::TokenRequest& request,
                                    int64_t now, std::string& token) {
  ASSIGN_OR_RETURN(const JoinToken made,
                   ledger_->CreateToken(request, issuer_.pin(), now));
  Log(Priority::kNotice, fmt::format("made join token {} for \"{}\"", made.id,
                                     Shown(request.creator())));
  token = FormatJoinToken(made);
  return absl::OkStatus();
}

absl::Status Authority::Sign(const Grant& grant, EVP_PKEY* key,
                             v1::EnrolReply& reply) {
  ASSIGN_OR_RETURN(*reply.mutable_chain(), issuer_.Issue(grant, key, {}));
  reply.set_host(grant.name());
  reply.set_root(issuer_.root());
  return absl::OkStatus();
}

Wish Authority::MakeWish(EVP_PKEY* key, int64_t now) const {
  return {KeyDigest(key), now, settings_.host_days * kDay, issuer_.ends()};
}

}  // namespace metsuke
