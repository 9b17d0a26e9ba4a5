// Operators' calls about what happened: events and sessions.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "controller/boot_time.h"
#include "controller/judge/network.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/sessions.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// How long before the time that is asked about a session may have begun.
constexpr int64_t kLongestSession = 90 * 86400;

// What a request asks for, beyond hosts and time.
class Wanted {
 public:
  static absl::StatusOr<Wanted> Of(const v1::EventsRequest& request) {
    Wanted wanted(request);
    if (request.from().empty()) return wanted;
    wanted.network_ = ParseNetwork(request.from());
    if (!wanted.network_)
      return absl::InvalidArgumentError(fmt::format(
          "from {}: neither an address nor a network", request.from()));
    return wanted;
  }

  // For an Event as well as a HostSession.
  template <typename What>
  bool Matches(const What& what) const {
    return Account(what.account(), what.actor(), what.login_account()) &&
           From(what.from());
  }

 private:
  explicit Wanted(const v1::EventsRequest& request) : request_(request) {}

  bool Account(const std::string& account, const std::string& actor,
               const std::string& login_account) const {
    const std::string& name = request_.account();
    // One without an account may be anybody's.
    return name.empty() || account.empty() || name == account ||
           name == actor || name == login_account;
  }

  bool From(const std::string& from) const {
    if (!network_) return true;
    const auto address = ParseNetwork(from);
    return address && Contains(*network_, *address);
  }

  const v1::EventsRequest& request_;
  std::optional<Network> network_;
};

bool Overlaps(const v1::HostSession& session, const v1::EventsRequest& request) {
  const int64_t begin = session.began();
  if (request.until() != 0 && begin >= request.until()) return false;
  if (session.end() == "open") return true;
  return (session.end() == "ended" ? session.ended() : begin) >= request.since();
}

}  // namespace

grpc::Status OperatorService::ListEvents(
    grpc::ServerContext*, const v1::EventsRequest* request,
    grpc::ServerWriter<v1::EventsReply>* writer) {
  const auto wanted = Wanted::Of(*request);
  if (!wanted.ok()) return ToGrpc(wanted.status());
  const auto fleet =
      store_.ReadFleet({request->selector(), request->host()}, 0);
  if (!fleet.ok()) return ToGrpc(fleet.status());
  Batches<v1::EventsReply> batches(writer);
  for (const FleetHost& host : fleet->hosts) {
    const absl::Status read = store_.VisitEvents(
        host.entry.id(),
        {request->since(),
         request->until(),
         {request->kinds().begin(), request->kinds().end()}},
        [&](v1::Event event) {
          if (!wanted->Matches(event)) return true;
          v1::HostEvent& entry = *batches.Next().add_events();
          entry.set_host(host.entry.host());
          *entry.mutable_event() = std::move(event);
          return batches.alive();
        });
    if (!read.ok()) return ToGrpc(read);
    if (!batches.alive()) break;
  }
  batches.Next().set_hosts(static_cast<uint32_t>(fleet->hosts.size()));
  batches.Flush();
  return grpc::Status::OK;
}

grpc::Status OperatorService::ListSessions(
    grpc::ServerContext*, const v1::EventsRequest* request,
    grpc::ServerWriter<v1::SessionsReply>* writer) {
  const auto wanted = Wanted::Of(*request);
  if (!wanted.ok()) return ToGrpc(wanted.status());
  const auto fleet =
      store_.ReadFleet({request->selector(), request->host()}, 0);
  if (!fleet.ok()) return ToGrpc(fleet.status());
  Batches<v1::SessionsReply> batches(writer);
  for (const FleetHost& host : fleet->hosts) {
    SessionJoin join;
    // Ends may come after the time that is asked about, beginnings before it.
    const absl::Status read = store_.VisitEvents(
        host.entry.id(),
        {std::max<int64_t>(0, request->since() - kLongestSession),
         0,
         {"login", "logout"}},
        [&](const v1::Event& event) {
          join.Add(event);
          return true;
        });
    if (!read.ok()) return ToGrpc(read);
    // Where the table cannot be read, sessions may seem to go on.
    const int64_t booted =
        host.state < 0
            ? 0
            : BootTime(fleet->states[host.state]->tables, Bodies()).value_or(0);
    for (v1::HostSession& session : join.Take(booted)) {
      if (!Overlaps(session, *request) || !wanted->Matches(session)) continue;
      session.set_host(host.entry.host());
      *batches.Next().add_sessions() = std::move(session);
    }
    if (!batches.alive()) break;
  }
  batches.Next().set_hosts(static_cast<uint32_t>(fleet->hosts.size()));
  batches.Flush();
  return grpc::Status::OK;
}

}  // namespace metsuke
