// Operators' calls about how hosts stand against the baseline.

#include <algorithm>
#include <memory>
#include <vector>

#include "controller/judge/finding.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What the fleet's states come to. Hosts share the result of their state; one
// that never reported shares `none`, on which no control could be judged.
struct Judged {
  std::vector<std::shared_ptr<const JudgedState>> states;
  Score none;

  const Score& Of(const FleetHost& host) const {
    return host.state < 0 ? none : states[host.state]->score;
  }
};

absl::StatusOr<Judged> JudgeFleet(Judge* judge, const Fleet& fleet,
                                  int64_t now) {
  Judged judged;
  if (!judge) {
    judged.states.assign(fleet.states.size(),
                         std::make_shared<const JudgedState>());
    return judged;
  }
  for (const HostState& state : fleet.states) {
    ASSIGN_OR_RETURN(auto result, judge->State(state.tables, now));
    judged.states.push_back(std::move(result));
  }
  judged.none = Count(judge->baseline(),
                      std::vector<v1::Verdict>(
                          judge->baseline().controls.size(),
                          v1::VERDICT_UNKNOWN));
  return judged;
}

void AddUp(const Score& score, bool stale, v1::FleetPosture& sum) {
  sum.set_hosts(sum.hosts() + 1);
  sum.set_stale(sum.stale() + stale);
  sum.set_unknown(sum.unknown() + (score.unknown > 0));
  switch (score.worst) {
    case v1::SEVERITY_CRITICAL: sum.set_critical(sum.critical() + 1); break;
    case v1::SEVERITY_HIGH: sum.set_high(sum.high() + 1); break;
    case v1::SEVERITY_MEDIUM: sum.set_medium(sum.medium() + 1); break;
    case v1::SEVERITY_LOW: sum.set_low(sum.low() + 1); break;
    default: break;
  }
}

// Indices of the hosts, the worst score first, then by name; at most `limit`
// of them unless that is 0.
std::vector<int> WorstFirst(const Fleet& fleet, const Judged& judged,
                            uint32_t limit) {
  std::vector<int> order(fleet.hosts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  const size_t most = limit ? std::min<size_t>(limit, order.size()) : order.size();
  // Hosts come by name already, so their index decides between equals.
  std::partial_sort(order.begin(), order.begin() + most, order.end(),
                    [&](int a, int b) {
                      const double x = judged.Of(fleet.hosts[a]).score;
                      const double y = judged.Of(fleet.hosts[b]).score;
                      return x != y ? x < y : a < b;
                    });
  order.resize(most);
  return order;
}

}  // namespace

grpc::Status OperatorService::Posture(
    grpc::ServerContext*, const v1::PostureRequest* request,
    grpc::ServerWriter<v1::PostureReply>* writer) {
  const int64_t now = request->at() ? request->at() : Now();
  const auto judge = baseline_.judge();
  const absl::StatusOr<Fleet> fleet =
      store_.ReadFleet({request->selector(), request->host()}, request->at());
  if (!fleet.ok()) return ToGrpc(fleet.status());
  const absl::StatusOr<Judged> judged = JudgeFleet(judge.get(), *fleet, now);
  if (!judged.ok()) return ToGrpc(judged.status());

  // A host's silence is a matter of the present, whatever instant is asked for.
  const int64_t present = Now();
  Batches<v1::PostureReply> batches(writer);
  for (const int i : WorstFirst(*fleet, *judged, request->limit())) {
    const FleetHost& host = fleet->hosts[i];
    v1::HostPosture& posture = *batches.Next().add_hosts();
    if (judge) SetScore(judge->baseline(), judged->Of(host), posture);
    else SetScore({}, judged->Of(host), posture);
    posture.set_host(host.entry.host());
    posture.set_last_seen(host.entry.last_seen());
    posture.set_stale(Stale(host.entry.last_seen(), present));
  }
  v1::FleetPosture& sum = *batches.Next().mutable_fleet();
  for (const FleetHost& host : fleet->hosts)
    AddUp(judged->Of(host), Stale(host.entry.last_seen(), present), sum);
  sum.set_distinct_states(fleet->states.size());
  if (judge) sum.set_baseline(judge->baseline().version);
  sum.set_certificate_until(certificate_until_);
  batches.Flush();
  return grpc::Status::OK;
}

grpc::Status OperatorService::Findings(
    grpc::ServerContext*, const v1::FindingsRequest* request,
    grpc::ServerWriter<v1::FindingsReply>* writer) {
  const auto judge = baseline_.judge();
  if (!judge)
    return ToGrpc(absl::NotFoundError(
        "no baseline is in force; metsukectl baseline apply FILES puts one"));
  const absl::StatusOr<Fleet> fleet =
      store_.ReadFleet({"", request->host()}, request->at());
  if (!fleet.ok()) return ToGrpc(fleet.status());
  if (fleet->hosts.size() != 1 || fleet->hosts[0].state < 0)
    return ToGrpc(absl::NotFoundError(
        request->host() + " had not reported at that time"));
  const auto state =
      judge->State(fleet->states[fleet->hosts[0].state].tables,
                   request->at() ? request->at() : Now());
  if (!state.ok()) return ToGrpc(state.status());
  for (size_t i = 0; i < (*state)->judgements.size(); ++i) {
    // One a message: evidence may be large.
    v1::FindingsReply reply;
    SetFinding(judge->baseline().controls[i].control,
               *(*state)->judgements[i], *reply.add_findings());
    if (!writer->Write(reply)) break;
  }
  return grpc::Status::OK;
}

}  // namespace metsuke
