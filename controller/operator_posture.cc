// Operators' calls about how hosts stand against the baseline.

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "controller/judge/finding.h"
#include "controller/judge/verdicts.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What the fleet's states come to, judged as they come up. Hosts share the
// result of their state, but those of which a waiver speaks by name; one that
// never reported shares `none_`, on which no control could be judged.
class Postures {
 public:
  // `verdicts` is null while no baseline is in force.
  explicit Postures(Verdicts* verdicts) : verdicts_(verdicts) {
    if (verdicts_ == nullptr) return;
    const CompiledBaseline& baseline = verdicts_->baseline();
    SetScore(baseline,
             Count(baseline,
                   std::vector<v1::Verdict>(baseline.controls.size(),
                                            v1::VERDICT_UNKNOWN),
                   {}),
             none_);
  }

  // What is said of the host, but for its name and when it was heard of; good
  // until the next call.
  absl::StatusOr<const v1::HostPosture*> Of(
      const FleetHost& host, const HostStates& states) {
    if (verdicts_ == nullptr || !HasReported(host)) return &none_;
    while (postures_.size() < states.size()) {
      ASSIGN_OR_RETURN(v1::HostPosture shared,
                       Make(*states[postures_.size()], ""));
      postures_.push_back(std::move(shared));
    }
    if (!verdicts_->IsApart(host.entry.id())) return &postures_[host.state];
    ASSIGN_OR_RETURN(apart_, Make(*states[host.state], host.entry.id()));
    return &apart_;
  }

 private:
  absl::StatusOr<v1::HostPosture> Make(const HostState& state,
                                       const std::string& host) {
    ASSIGN_OR_RETURN(const auto judged, verdicts_->Judged(state.tables));
    const Waived waived = verdicts_->WaivedOn(state.tables, *judged, host);
    v1::HostPosture posture;
    SetScore(verdicts_->baseline(),
             CountWaived(verdicts_->baseline(), *judged, waived), posture);
    return posture;
  }

  Verdicts* const verdicts_;
  v1::HostPosture none_, apart_;
  std::vector<v1::HostPosture> postures_;
};

uint32_t CountEnding(const v1::Registers& rows, int64_t now) {
  return static_cast<uint32_t>(
      std::ranges::count_if(rows.waivers(), [now](const v1::Waiver& waiver) {
        return EndsSoon(waiver, now);
      }));
}

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
  sum.set_waived(sum.waived() + (shared.waived() > 0));
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
  const int64_t present = Now();
  const int64_t at = request->at() != 0 ? request->at() : present;
  const auto registers = registers_.At(request->at());
  if (!registers.ok()) return ToGrpc(registers.status());
  std::optional<Verdicts> verdicts;
  if (judge)
    verdicts.emplace(*judge, Bodies(), (*registers)->digests, (*registers)->rows,
                     at);
  Postures postures(verdicts ? &*verdicts : nullptr);
  Worst worst(request->limit());
  Batches<v1::PostureReply> batches(writer);
  v1::FleetPosture sum;
  const absl::Status read = store_.VisitFleet(
      {request->selector(), request->host()}, request->at(),
      [&](const FleetHost& host,
          const HostStates& states) -> absl::Status {
        ASSIGN_OR_RETURN(const v1::HostPosture* shared,
                         postures.Of(host, states));
        const bool stale = Stale(host.entry.last_seen(), std::min(at, present));
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
  sum.set_certificate_until(options_.certificate_until);
  if (request->at() == 0)
    sum.set_waivers_ending(CountEnding((*registers)->rows, present));
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
  const auto registers = registers_.At(request->at());
  if (!registers.ok()) return ToGrpc(registers.status());
  Verdicts verdicts(*judge, Bodies(), (*registers)->digests, (*registers)->rows,
                    request->at() ? request->at() : Now());
  const HostState& of = *fleet->states[fleet->hosts[0].state];
  const auto state = verdicts.Judged(of.tables);
  if (!state.ok()) return ToGrpc(state.status());
  const Waived waived =
      verdicts.WaivedOn(of.tables, **state, fleet->hosts[0].entry.id());
  for (size_t i = 0; i < (*state)->judgements.size(); ++i) {
    // One a message: evidence may be large.
    v1::FindingsReply reply;
    SetFinding(judge->baseline().controls[i].control,
               *(*state)->judgements[i], *reply.add_findings());
    if (const auto waiver = waived.find(i); waiver != waived.end())
      SetWaived(*waiver->second, *reply.mutable_findings(0));
    if (!writer->Write(reply)) break;
  }
  return grpc::Status::OK;
}

}  // namespace metsuke
