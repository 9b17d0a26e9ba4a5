// Operators' calls about how hosts stand against the baseline.

#include <iterator>
#include <map>
#include <memory>
#include <vector>

#include "controller/judge/finding.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What the fleet's states come to, judged as they come up. Hosts share the
// result of their state; one that never reported shares `none_`, on which no
// control could be judged.
class Postures {
 public:
  // `judge` is null while no baseline is in force.
  Postures(Judge* judge, int64_t now) : judge_(judge), now_(now) {
    if (judge_ == nullptr) return;
    const CompiledBaseline& baseline = judge_->baseline();
    SetScore(baseline,
             Count(baseline, std::vector<v1::Verdict>(baseline.controls.size(),
                                                      v1::VERDICT_UNKNOWN)),
             none_);
  }

  // What is the same for all hosts in the state: everything but the host.
  absl::StatusOr<const v1::HostPosture*> Of(
      int state, const std::vector<HostState>& states) {
    if (judge_ == nullptr || state < 0) return &none_;
    while (postures_.size() < states.size()) {
      ASSIGN_OR_RETURN(const auto judged,
                       judge_->State(states[postures_.size()].tables, now_));
      SetScore(judge_->baseline(), judged->score, postures_.emplace_back());
    }
    return &postures_[state];
  }

 private:
  Judge* judge_;
  const int64_t now_;
  v1::HostPosture none_;
  std::vector<v1::HostPosture> postures_;
};

// `posture` becomes what is said of the host.
void SetPosture(const FleetHost& host, const v1::HostPosture& shared,
                bool stale, v1::HostPosture& posture) {
  posture = shared;
  posture.set_host(host.entry.host());
  posture.set_last_seen(host.entry.last_seen());
  posture.set_stale(stale);
}

void AddUp(const v1::HostPosture& shared, bool stale, v1::FleetPosture& sum) {
  sum.set_hosts(sum.hosts() + 1);
  sum.set_stale(sum.stale() + stale);
  sum.set_unknown(sum.unknown() + (shared.unknown() > 0));
  switch (shared.worst()) {
    case v1::SEVERITY_CRITICAL: sum.set_critical(sum.critical() + 1); break;
    case v1::SEVERITY_HIGH: sum.set_high(sum.high() + 1); break;
    case v1::SEVERITY_MEDIUM: sum.set_medium(sum.medium() + 1); break;
    case v1::SEVERITY_LOW: sum.set_low(sum.low() + 1); break;
    default: break;
  }
}

// The worst of the hosts that were added, at most `most`. Hosts come by name,
// so the earlier is the worse of equals.
class Worst {
 public:
  explicit Worst(size_t most) : most_(most) {}

  // Whether a host with this score would be among them.
  bool Takes(double score) const {
    return hosts_.size() < most_ || score < hosts_.rbegin()->first.first;
  }
  // Where the posture of one that is taken goes.
  v1::HostPosture& Add(double score) {
    if (hosts_.size() == most_) hosts_.erase(std::prev(hosts_.end()));
    return hosts_[{score, count_++}];
  }
  const auto& hosts() const { return hosts_; }

 private:
  const size_t most_;
  uint64_t count_ = 0;
  std::map<std::pair<double, uint64_t>, v1::HostPosture> hosts_;
};

}  // namespace

grpc::Status OperatorService::Posture(
    grpc::ServerContext*, const v1::PostureRequest* request,
    grpc::ServerWriter<v1::PostureReply>* writer) {
  const auto judge = baseline_.judge();
  // A host's silence is a matter of the present, whatever instant is asked for.
  const int64_t present = Now();
  Postures postures(judge.get(), request->at() ? request->at() : present);
  Worst worst(request->limit());
  Batches<v1::PostureReply> batches(writer);
  v1::FleetPosture sum;
  const absl::Status read = store_.VisitFleet(
      {request->selector(), request->host()}, request->at(),
      [&](const FleetHost& host,
          const std::vector<HostState>& states) -> absl::Status {
        ASSIGN_OR_RETURN(const v1::HostPosture* shared,
                         postures.Of(host.state, states));
        const bool stale = Stale(host.entry.last_seen(), present);
        AddUp(*shared, stale, sum);
        sum.set_distinct_states(states.size());
        if (request->limit() == 0)
          SetPosture(host, *shared, stale, *batches.Next().add_hosts());
        else if (worst.Takes(shared->score()))
          SetPosture(host, *shared, stale, worst.Add(shared->score()));
        return batches.alive() ? absl::OkStatus()
                               : absl::CancelledError("nobody listens");
      });
  if (!read.ok()) return ToGrpc(read);
  for (const auto& [order, posture] : worst.hosts())
    *batches.Next().add_hosts() = posture;
  if (judge) sum.set_baseline(judge->baseline().version);
  sum.set_certificate_until(certificate_until_);
  *batches.Next().mutable_fleet() = std::move(sum);
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
