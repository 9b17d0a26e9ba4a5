#include "controller/measure_fleet.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/judge/verdicts.h"
#include "controller/judge/waivers.h"
#include "controller/silence.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What hosts that look alike share.
struct Shared {
  v1::HostPosture posture;
  std::array<uint32_t, v1::Severity_ARRAYSIZE> failed{};
  // Indices of controls.
  std::vector<size_t> failing, unknown;
};

// Of hosts as they come up; a state is judged once.
class Measures {
 public:
  explicit Measures(Verdicts& verdicts) : verdicts_(verdicts) {
    const CompiledBaseline& baseline = verdicts.baseline();
    const std::vector<v1::Verdict> none(baseline.controls.size(),
                                        v1::VERDICT_UNKNOWN);
    SetScore(baseline, Count(baseline, none, {}), unreported_.posture);
    for (size_t i = 0; i < none.size(); ++i) unreported_.unknown.push_back(i);
  }

  // Good until the next call.
  absl::StatusOr<const Shared*> Of(const FleetHost& host,
                                   const HostStates& states) {
    if (!HasReported(host)) return &unreported_;
    if (verdicts_.IsApart(host.entry.id())) {
      ASSIGN_OR_RETURN(apart_, Make(*states[host.state], host.entry.id()));
      return &apart_;
    }
    while (shared_.size() < states.size()) {
      ASSIGN_OR_RETURN(Shared made, Make(*states[shared_.size()], ""));
      shared_.push_back(std::move(made));
    }
    return &shared_[host.state];
  }

 private:
  absl::StatusOr<Shared> Make(const HostState& state, const std::string& host) {
    const CompiledBaseline& baseline = verdicts_.baseline();
    ASSIGN_OR_RETURN(const auto judged, verdicts_.Judged(state.tables));
    const Waived waived = verdicts_.WaivedOn(state.tables, *judged, host);
    Shared made;
    SetScore(baseline, CountWaived(baseline, *judged, waived), made.posture);
    for (size_t i = 0; i < judged->judgements.size(); ++i) {
      const v1::Verdict verdict = judged->judgements[i]->verdict;
      if (verdict == v1::VERDICT_UNKNOWN) made.unknown.push_back(i);
      if (verdict != v1::VERDICT_FAIL || waived.contains(i)) continue;
      made.failing.push_back(i);
      ++made.failed[baseline.controls[i].control.severity()];
    }
    return made;
  }

  Verdicts& verdicts_;
  Shared unreported_, apart_;
  std::vector<Shared> shared_;
};

}  // namespace

absl::StatusOr<FleetMetrics> MeasureFleet(const MetricsSources& sources,
                                          int64_t now) {
  FleetMetrics fleet;
  fleet.at = now;
  fleet.certificate_until = sources.certificate_until;
  // As they are in the store: others may have changed them since they were
  // read.
  ASSIGN_OR_RETURN(const auto registers, sources.registers.At(now));
  fleet.waivers_ending = std::ranges::count_if(
      registers->rows.waivers(),
      [now](const v1::Waiver& waiver) { return EndsSoon(waiver, now); });
  ASSIGN_OR_RETURN(const auto nights, sources.store.Reports());
  if (!nights.empty()) fleet.night = nights[0];

  std::optional<Verdicts> verdicts;
  std::optional<Measures> measures;
  std::vector<ControlMetrics> controls;
  if (sources.judge != nullptr) {
    fleet.baseline = sources.judge->baseline().version;
    verdicts.emplace(
        *sources.judge,
        [&sources](const std::string& digest) {
          return sources.store.Body(digest);
        },
        registers->digests, registers->rows, now);
    measures.emplace(*verdicts);
    for (const CompiledControl& control : sources.judge->baseline().controls)
      controls.push_back({.severity = control.control.severity()});
  }
  RETURN_IF_ERROR(sources.store.VisitFleet(
      {}, 0,
      [&](const FleetHost& host,
          const HostStates& states) -> absl::Status {
        const auto [place, fresh] = fleet.hosts.try_emplace(host.entry.id());
        // One that took another name meanwhile comes again.
        if (!fresh) return absl::OkStatus();
        HostMetrics& made = place->second;
        if (measures) {
          ASSIGN_OR_RETURN(const Shared* shared, measures->Of(host, states));
          made.posture = shared->posture;
          made.failed = shared->failed;
          for (const size_t i : shared->failing) ++controls[i].failed;
          for (const size_t i : shared->unknown) ++controls[i].unknown;
        }
        made.reported = HasReported(host);
        made.posture.set_host(host.entry.host());
        made.posture.set_last_seen(host.entry.last_seen());
        made.posture.set_stale(
            IsSilent(host.entry.last_seen(), now, sources.interval));
        // Of no use here, and a hundred bytes a host.
        made.posture.clear_top_title();
        return absl::OkStatus();
      }));
  for (size_t i = 0; i < controls.size(); ++i)
    fleet.controls[sources.judge->baseline().controls[i].control.id()] =
        controls[i];
  return fleet;
}

}  // namespace metsuke
