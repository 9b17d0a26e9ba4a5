// Operators' calls about what happened: events and sessions.
//
// Persons are those of the register as it is now, and so are the labels of hosts:
// who is entered late is known for what was before, too.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "controller/boot_time.h"
#include "controller/event_windows.h"
#include "controller/judge/network.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/persons.h"
#include "controller/sessions.h"
#include "proto/encode.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

// How long before the time that is asked about a session may have begun.
constexpr int64_t kLongestSession = 90 * 86400;
constexpr char kRegister[] = "persons";

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

  // Whether it was one of these, or may have been.
  bool Person(const std::vector<std::string>& persons) const {
    return request_.person().empty() ||
           std::ranges::find(persons, request_.person()) != persons.end();
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

// The register; an error where it cannot have who is asked for, as to answer
// nothing would read as if they had done nothing.
absl::StatusOr<Persons> PersonsFor(const v1::EventsRequest& request,
                                   const RegisterRows& registers) {
  Persons persons(registers.rows);
  if (request.person().empty()) return persons;
  if (!registers.digests.contains(kRegister))
    return absl::NotFoundError(
        "nobody has kept the register persons, so nothing is known of any; "
        "metsukectl register apply does");
  const auto all = persons.All();
  if (!std::ranges::binary_search(all, request.person()))
    return absl::NotFoundError("the register persons has no " +
                               enc::Log(HostText(request.person())) +
                               DidYouMean(request.person(), all));
  return persons;
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
  const auto registers = registers_.At(0);
  if (!registers.ok()) return ToGrpc(registers.status());
  const auto persons = PersonsFor(*request, **registers);
  if (!persons.ok()) return ToGrpc(persons.status());
  Batches<v1::EventsReply> batches(writer);
  for (const FleetHost& host : fleet->hosts) {
    EventWindows windows([&](v1::Event event) {
      const auto who = persons->Of(event, host.entry.labels());
      if (!wanted->Person(who)) return true;
      v1::HostEvent& entry = *batches.Next().add_events();
      entry.set_host(host.entry.host());
      entry.set_person(PersonText(who));
      *entry.mutable_event() = std::move(event);
      return batches.alive();
    });
    const absl::Status read = store_.VisitEvents(
        host.entry.id(),
        {request->since(),
         request->until(),
         {request->kinds().begin(), request->kinds().end()}},
        [&](v1::Event event) {
          return !wanted->Matches(event) || windows.Add(std::move(event));
        });
    if (!read.ok()) return ToGrpc(read);
    windows.Finish();
    if (!batches.alive()) break;
  }
  v1::EventsReply& last = batches.Next();
  last.set_hosts(static_cast<uint32_t>(fleet->hosts.size()));
  last.set_persons_kept((*registers)->digests.contains(kRegister));
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
  const auto registers = registers_.At(0);
  if (!registers.ok()) return ToGrpc(registers.status());
  const auto persons = PersonsFor(*request, **registers);
  if (!persons.ok()) return ToGrpc(persons.status());
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
      const auto who = persons->Of(session, host.entry.labels());
      if (!wanted->Person(who)) continue;
      session.set_host(host.entry.host());
      session.set_person(PersonText(who));
      *batches.Next().add_sessions() = std::move(session);
    }
    if (!batches.alive()) break;
  }
  v1::SessionsReply& last = batches.Next();
  last.set_hosts(static_cast<uint32_t>(fleet->hosts.size()));
  last.set_persons_kept((*registers)->digests.contains(kRegister));
  batches.Flush();
  return grpc::Status::OK;
}

}  // namespace metsuke
