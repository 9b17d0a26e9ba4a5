#include "controller/report/findings.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "proto/status.h"

namespace metsuke {

absl::StatusOr<Findings> Findings::Read(Store& store,
                                        const CompiledBaseline& baseline,
                                        const FleetChange& fleet,
                                        int64_t last_night, int64_t to) {
  Findings findings(store, baseline, fleet, to);
  std::unordered_map<std::string, size_t> numbers;
  for (size_t i = 0; i < baseline.controls.size(); ++i)
    numbers.emplace(baseline.controls[i].control.id(), i);
  RETURN_IF_ERROR(
      store.VisitFindings(last_night, [&](const HostControl& finding) {
        const auto number = numbers.find(finding.control);
        if (number == numbers.end())
          findings.closed_.push_back(
              {.host = finding.host, .control = finding.control, .since = 0});
        else
          findings.prior_[finding.host][number->second] = {
              .since = finding.since, .open = true};
      }));
  return findings;
}

// Since when the facts have been such that the control fails, as far as the two
// ends show it.
int64_t Findings::Since(size_t control, const ReportHost& host,
                        const Stand* before, const TableTimes& tables) const {
  const bool failed =
      before != nullptr &&
      before->judged->judgements[control]->verdict == v1::VERDICT_FAIL;
  int64_t since = 0;
  for (const auto& [table, columns] : baseline_.controls[control].Decides())
    if (const auto time = tables.find(table); time != tables.end())
      since = std::max(since, time->second);
  // It turned, and no table did: time or a register turned it.
  if (!failed && before != nullptr && since <= host.from) return to_;
  return since == 0 ? to_ : since;
}

absl::Status Findings::Add(uint32_t number, const Stand* before,
                           const Stand& after) {
  const ReportHost& host = fleet_.hosts[number];
  auto& prior = prior_[host.id];
  std::optional<TableTimes> tables;
  for (size_t i = 0; i < baseline_.controls.size(); ++i) {
    const v1::Verdict verdict = after.judged->judgements[i]->verdict;
    const auto known = prior.find(i);
    if (verdict != v1::VERDICT_FAIL) {
      if (known != prior.end() && verdict != v1::VERDICT_UNKNOWN)
        known->second.open = false;
      continue;
    }
    int64_t since = 0;
    if (known != prior.end()) {
      since = known->second.since;
    } else {
      if (!tables) {
        ASSIGN_OR_RETURN(tables, store_.TablesSince(host.id, to_));
      }
      since = Since(i, host, before, *tables);
      opened_.push_back({.host = host.id,
                         .control = baseline_.controls[i].control.id(),
                         .since = since});
    }
    if (after.waived.contains(i)) continue;
    Open& open = open_[i];
    if (open.hosts.empty() || since < open.since) {
      open.since = since;
      open.oldest = number;
    }
    open.hosts.push_back(number);
  }
  return absl::OkStatus();
}

void Findings::Tell(v1::Report& report) const {
  std::vector<const std::pair<const size_t, Open>*> order;
  for (const auto& open : open_) order.push_back(&open);
  std::ranges::stable_sort(order, {}, [&](const auto* open) {
    return std::pair(-baseline_.controls[open->first].control.severity(),
                     open->second.since);
  });
  for (const auto* entry : order) {
    const v1::Control& control = baseline_.controls[entry->first].control;
    v1::ReportOpen& told = *report.add_open();
    told.set_control(control.id());
    told.set_severity(control.severity());
    *told.mutable_title() = control.title();
    SetHosts(fleet_.hosts, entry->second.hosts, *told.mutable_hosts());
    told.set_since(entry->second.since);
    told.set_oldest(fleet_.hosts[entry->second.oldest].name);
  }
}

std::vector<HostControl> Findings::Closed() const {
  std::unordered_set<std::string_view> in_fleet;
  for (const ReportHost& host : fleet_.hosts)
    if (host.is) in_fleet.insert(host.id);
  std::vector<HostControl> closed = closed_;
  for (const auto& [host, controls] : prior_) {
    const bool left = !in_fleet.contains(host);
    for (const auto& [number, prior] : controls)
      if (!prior.open || left)
        closed.push_back({.host = host,
                          .control = baseline_.controls[number].control.id(),
                          .since = 0});
  }
  std::ranges::sort(closed, {}, [](const HostControl& one) {
    return std::tie(one.host, one.control);
  });
  return closed;
}

}  // namespace metsuke
