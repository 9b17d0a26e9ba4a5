#include "controller/page/gather.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "controller/page/control_sums.h"
#include "controller/page/log_reaches.h"
#include "controller/page/times.h"
#include "controller/report/ends.h"
#include "controller/report/fleet_change.h"
#include "controller/silence.h"
#include "proto/status.h"

namespace metsuke {
namespace {

absl::StatusOr<Fleet> ReadHosts(Store& store, const HostFilter& filter,
                                int64_t at) {
  auto fleet = store.ReadFleet(filter, at);
  // It was taken out in the report's time.
  if (absl::IsNotFound(fleet.status())) return Fleet();
  return fleet;
}

int StateOf(const FleetHost& host) {
  return HasReported(host) ? host.state : -1;
}

// The hosts as the parts of reports know them.
FleetChange AsChange(const Fleet& fleet) {
  FleetChange change;
  for (const FleetHost& host : fleet.hosts) {
    ReportHost& known = change.hosts.emplace_back();
    known.id = host.entry.id();
    known.name = host.entry.host();
    known.last_seen = host.entry.last_seen();
    known.is = true;
  }
  return change;
}

class Gatherer {
 public:
  Gatherer(const ReportSources& sources, const v1::Report& report, Fleet fleet,
           const RegisterRows& registers)
      : sources_(sources),
        report_(report),
        fleet_(std::move(fleet)),
        change_(AsChange(fleet_)),
        bodies_([&store = sources.store](const std::string& digest) {
          return store.Body(digest);
        }),
        logs_(change_, bodies_, report.to()) {
    if (sources.judge == nullptr) return;
    end_.emplace(*sources.judge, bodies_, registers, report.to());
    sums_.emplace(sources.judge->baseline(), change_);
  }

  absl::StatusOr<Page> Run() {
    RETURN_IF_ERROR(AddHosts());
    Page page;
    page.report = report_;
    for (auto& [key, alike] : alike_) page.hosts.push_back(std::move(alike));
    std::ranges::stable_sort(page.hosts, {}, [](const AlikeHosts& alike) {
      return std::tuple(alike.sight, alike.score.score, alike.names);
    });
    if (sums_) page.controls = sums_->Tell();
    const CompiledBaseline* const baseline =
        sources_.judge == nullptr ? nullptr : &sources_.judge->baseline();
    if (baseline != nullptr) page.baseline = baseline->version;
    logs_.Tell(baseline, page);
    return page;
  }

 private:
  using Key = std::tuple<AlikeHosts::Sight, std::vector<std::string>,
                         std::vector<Outcome>>;

  AlikeHosts::Sight SightOf(const FleetHost& host) const {
    if (StateOf(host) < 0) return AlikeHosts::Sight::kNew;
    return IsSilent(host.entry.last_seen(), report_.to(), sources_.interval)
               ? AlikeHosts::Sight::kSilent
               : AlikeHosts::Sight::kSeen;
  }

  absl::Status AddHosts() {
    std::map<int, HostNumbers> shared;  // by state
    for (uint32_t i = 0; i < fleet_.hosts.size(); ++i) {
      const FleetHost& host = fleet_.hosts[i];
      const int state = StateOf(host);
      states_[state].push_back(i);
      // A waiver may speak of it alone.
      if (state >= 0 && end_ && end_->IsApart(host.entry.id()))
        RETURN_IF_ERROR(AddAlike(state, {i}));
      else
        shared[state].push_back(i);
    }
    for (const auto& [state, hosts] : shared)
      RETURN_IF_ERROR(AddAlike(state, hosts));
    static const TableDigests kNone;
    for (const auto& [state, hosts] : states_)
      RETURN_IF_ERROR(
          logs_.Add(state < 0 ? kNone : fleet_.states[state]->tables, hosts));
    return absl::OkStatus();
  }

  // Hosts in one state, or without any, of which the same is waived.
  absl::Status AddAlike(int state, const HostNumbers& hosts) {
    const Stand* stand = nullptr;
    if (end_ && state >= 0) {
      ASSIGN_OR_RETURN(stand, end_->Of(fleet_.states[state]->tables,
                                       fleet_.hosts[hosts[0]].entry.id()));
    }
    std::vector<Outcome> outcomes;
    if (sums_) outcomes = sums_->Add(hosts, stand);
    for (const uint32_t number : hosts) {
      const FleetHost& host = fleet_.hosts[number];
      const AlikeHosts::Sight sight = SightOf(host);
      const std::vector<std::string> labels(host.entry.labels().begin(),
                                            host.entry.labels().end());
      AlikeHosts& alike = alike_[{sight, labels, outcomes}];
      alike.sight = sight;
      alike.labels = labels;
      alike.outcomes = outcomes;
      if (stand != nullptr) alike.score = stand->score;
      if (sight == AlikeHosts::Sight::kSilent)
        alike.last_seen =
            alike.names.empty()
                ? host.entry.last_seen()
                : std::min(alike.last_seen, host.entry.last_seen());
      alike.names.insert(
          std::ranges::upper_bound(alike.names, host.entry.host()),
          host.entry.host());
    }
    return absl::OkStatus();
  }

  const ReportSources& sources_;
  const v1::Report& report_;
  const Fleet fleet_;
  const FleetChange change_;
  const BodySource bodies_;
  LogReaches logs_;
  std::optional<End> end_;
  std::optional<ControlSums> sums_;
  std::map<int, HostNumbers> states_;
  std::map<Key, AlikeHosts> alike_;
};

absl::Status AddBaselines(Store& store, Page& page) {
  ASSIGN_OR_RETURN(const std::vector<StoredBaseline> baselines,
                   store.Baselines());
  for (const StoredBaseline& baseline : baselines)
    page.baselines.emplace_back(baseline.applied, baseline.version);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Page> GatherPage(const ReportSources& sources,
                                const v1::Report& report,
                                const HostFilter& hosts) {
  ASSIGN_OR_RETURN(Fleet fleet, ReadHosts(sources.store, hosts, report.to()));
  ASSIGN_OR_RETURN(const auto registers, sources.registers.At(report.to()));
  ASSIGN_OR_RETURN(
      Page page, Gatherer(sources, report, std::move(fleet), *registers).Run());
  RETURN_IF_ERROR(AddTimes(sources, hosts, page));
  RETURN_IF_ERROR(AddBaselines(sources.store, page));
  return page;
}

}  // namespace metsuke
