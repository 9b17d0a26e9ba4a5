// Operators' calls that look into the tables: query and drift.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "controller/drift/diff_verdicts.h"
#include "controller/drift/state_drift.h"
#include "controller/judge/query.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/report/fleet_change.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

std::vector<StateHosts> ByState(const Fleet& fleet,
                                const TableDigests& registers) {
  std::vector<StateHosts> states(fleet.states.size());
  for (size_t i = 0; i < states.size(); ++i) {
    states[i].tables = fleet.states[i]->tables;
    states[i].tables.insert(registers.begin(), registers.end());
  }
  for (const FleetHost& host : fleet.hosts)
    if (host.state >= 0)
      states[host.state].hosts.emplace_back(host.entry.host());
  return states;
}

// What was not seen, in a line for each reason.
class NotSeen {
 public:
  // `old` says in what way the answer is old where hosts are silent.
  explicit NotSeen(std::string old = "") : old_(std::move(old)) {}

  void Add(const std::string& reason, std::string host) {
    hosts_[reason].push_back(std::move(host));
  }

  // Adds a host that has not reported, or is `stale`; it must outlive this.
  void AddSilence(const FleetHost& host, bool stale) {
    if (!HasReported(host))
      Add("has not reported", host.entry.host());
    else if (stale)
      silent_.push_back(&host.entry);
  }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const auto& [reason, hosts] : hosts_)
      lines.push_back(Named(hosts) + ": " + reason);
    if (silent_.empty()) return lines;
    std::vector<std::string> names;
    for (const v1::HostEntry* host : silent_) names.push_back(host->host());
    const auto [first, last] = std::ranges::minmax_element(
        silent_, {}, [](const v1::HostEntry* host) { return host->last_seen(); });
    const std::string since = Rfc3339((*first)->last_seen());
    const std::string when =
        silent_.size() == 1
            ? "silent since " + since
            : fmt::format("silent, the first since {}, the last since {}",
                          since, Rfc3339((*last)->last_seen()));
    lines.push_back(Named(names) + ": " + when + old_);
    return lines;
  }

 private:
  static std::string Named(const std::vector<std::string>& hosts) {
    constexpr size_t kNamed = 3;
    const size_t named = std::min(hosts.size(), kNamed);
    std::string names =
        fmt::format("{}", fmt::join(hosts.begin(), hosts.begin() + named, ", "));
    if (hosts.size() > named)
      names += fmt::format(" and {} more", hosts.size() - named);
    return names;
  }

  const std::string old_;
  std::map<std::string, std::vector<std::string>> hosts_;
  std::vector<const v1::HostEntry*> silent_;
};

// Bytes of rows in one message, well below the 1 MiB a message may have.
constexpr size_t kMessageBytes = 128 << 10;

class StateDrift {
 public:
  // What people kept at the two instants is `kept_from` and `kept_to`.
  StateDrift(const BodySource& bodies, Judge* judge, int64_t from, int64_t to,
             TableDigests kept_from, TableDigests kept_to)
      : tables_(bodies),
        judge_(judge),
        from_(from),
        to_(to),
        kept_from_(std::move(kept_from)),
        kept_to_(std::move(kept_to)) {}

  // The changes from one state to another. Many hosts change alike, so what
  // was found is kept.
  absl::StatusOr<const Changes*> Between(const HostState& before,
                                         const HostState& after) {
    const auto key = std::make_pair(before.digest, after.digest);
    if (const auto known = known_.find(key); known != known_.end())
      return &known->second;
    Changes changes;
    for (const std::string& table :
         DifferingTables(before.tables, after.tables)) {
      ASSIGN_OR_RETURN(const Changes* found,
                       tables_.Between(table, before.tables, after.tables));
      changes.insert(changes.end(), found->begin(), found->end());
    }
    RETURN_IF_ERROR(AddVerdicts(before, after, changes));
    return &(known_[key] = std::move(changes));
  }

 private:
  absl::Status AddVerdicts(const HostState& before, const HostState& after,
                           Changes& changes) {
    if (!judge_) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto old_state,
                     judge_->State({before.tables, kept_from_}, from_));
    ASSIGN_OR_RETURN(const auto new_state,
                     judge_->State({after.tables, kept_to_}, to_));
    for (v1::Change& change :
         DiffVerdicts(judge_->baseline(), *old_state, *new_state))
      changes.push_back(std::move(change));
    return absl::OkStatus();
  }

  TableDrift tables_;
  Judge* judge_;
  const int64_t from_, to_;
  const TableDigests kept_from_, kept_to_;
  std::map<std::pair<std::string, std::string>, Changes> known_;
};

}  // namespace

grpc::Status OperatorService::Query(
    grpc::ServerContext*, const v1::QueryRequest* request,
    grpc::ServerWriter<v1::QueryReply>* writer) {
  absl::StatusOr<FleetQuery> query =
      FleetQuery::Compile(request->sql(), request->reduce());
  if (!query.ok()) return ToGrpc(query.status());
  const absl::StatusOr<Fleet> fleet =
      store_.ReadFleet({request->selector(), request->host()}, request->at());
  if (!fleet.ok()) return ToGrpc(fleet.status());
  const auto registers = registers_.At(request->at());
  if (!registers.ok()) return ToGrpc(registers.status());

  v1::QueryReply reply;
  for (const std::string& column : query->columns())
    reply.mutable_rows()->add_columns(column);
  size_t bytes = 0;
  const auto send = [&]() -> absl::Status {
    if (!writer->Write(reply)) return absl::CancelledError("nobody listens");
    reply.mutable_rows()->clear_rows();
    reply.clear_incomplete();
    bytes = 0;
    return absl::OkStatus();
  };
  const int64_t now = request->at() ? request->at() : Now();
  const auto shortfall = query->Run(
      ByState(*fleet, (*registers)->digests), Bodies(), now,
      [&](Row row) -> absl::Status {
        bytes += Size(row);
        *reply.mutable_rows()->add_rows() = ToRow(row);
        return bytes > kMessageBytes ? send() : absl::OkStatus();
      });
  if (!shortfall.ok()) return ToGrpc(shortfall.status());
  NotSeen not_seen(", and the rows are of then");
  for (const auto& [reason, hosts] : shortfall->incomplete)
    for (const HostText& host : hosts) not_seen.Add(reason, host.raw());
  for (const FleetHost& host : fleet->hosts)
    not_seen.AddSilence(
        host, Stale(host.entry.last_seen(), std::min(now, Now())));
  for (std::string& line : not_seen.Lines()) {
    reply.add_incomplete(std::move(line));
    if (reply.incomplete_size() == kBatch)
      if (const auto sent = send(); !sent.ok()) return ToGrpc(sent);
  }
  reply.mutable_rows()->set_omitted(shortfall->omitted);
  reply.set_hosts(fleet->hosts.size());
  return ToGrpc(send());
}

namespace {

v1::Change OfFleet(const v1::HostEntry& host, const char* kind) {
  v1::Change change;
  change.set_host(host.host());
  change.set_table("fleet");
  change.set_kind(kind);
  change.add_key("id=" + host.id());
  return change;
}

}  // namespace

grpc::Status OperatorService::Drift(
    grpc::ServerContext*, const v1::DriftRequest* request,
    grpc::ServerWriter<v1::DriftReply>* writer) {
  const int64_t to = request->to() ? request->to() : Now();
  if (request->from() <= 0 || request->from() >= to)
    return ToGrpc(absl::InvalidArgumentError(
        "the beginning must lie before the end, which is now by default"));
  const HostFilter filter{request->selector(), request->host()};
  Fleet before, after;
  const absl::Status read = ReadBoth(store_, filter, request->from(),
                                     request->to(), before, after);
  if (!read.ok()) return ToGrpc(read);
  std::map<std::string, int> states;
  for (const FleetHost& host : before.hosts)
    states[host.entry.id()] = host.state;
  std::set<std::string> stayed;
  for (const FleetHost& host : after.hosts) stayed.insert(host.entry.id());

  const auto kept_from = registers_.At(request->from());
  if (!kept_from.ok()) return ToGrpc(kept_from.status());
  const auto kept_to = registers_.At(request->to());
  if (!kept_to.ok()) return ToGrpc(kept_to.status());
  const auto judge = baseline_.judge();
  StateDrift drift(Bodies(), judge.get(), request->from(), to,
                   (*kept_from)->digests, (*kept_to)->digests);
  Batches<v1::DriftReply> batches(writer);
  NotSeen not_seen;
  for (const FleetHost& host : before.hosts)
    if (!stayed.contains(host.entry.id()))
      *batches.Next().add_changes() = OfFleet(host.entry, "removed");
  for (const FleetHost& host : after.hosts) {
    const auto old = states.find(host.entry.id());
    const int old_state = old == states.end() ? -1 : old->second;
    not_seen.AddSilence(host,
                        Stale(host.entry.last_seen(), std::min(to, Now())));
    if (host.state < 0) continue;
    if (old_state < 0) {
      *batches.Next().add_changes() = OfFleet(host.entry, "added");
      continue;
    }
    const auto changes =
        drift.Between(*before.states[old_state], *after.states[host.state]);
    if (absl::IsDataLoss(changes.status())) {
      not_seen.Add(Message(changes.status()), host.entry.host());
      continue;
    }
    if (!changes.ok()) return ToGrpc(changes.status());
    for (const v1::Change& found : **changes) {
      v1::Change& change = *batches.Next().add_changes();
      change = found;
      change.set_host(host.entry.host());
    }
  }
  for (std::string& line : not_seen.Lines())
    batches.Next().add_incomplete(std::move(line));
  batches.Next().set_hosts(after.hosts.size());
  batches.Flush();
  return grpc::Status::OK;
}

}  // namespace metsuke
