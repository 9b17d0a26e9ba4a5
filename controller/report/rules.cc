#include "controller/report/rules.h"

#include <algorithm>
#include <utility>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kMostRows = 100;

}  // namespace

absl::Status RuleRows::Add(const TableDigests& tables,
                           const HostNumbers& hosts) {
  ASSIGN_OR_RETURN(const auto judged,
                   rules_.State({tables, registers_.digests}, now_));
  for (size_t i = 0; i < judged->judgements.size(); ++i) {
    const Judgement& judgement = *judged->judgements[i];
    if (judgement.verdict == v1::VERDICT_UNKNOWN) {
      HostNumbers& unasked = unasked_[{i, judgement.reason.raw()}];
      unasked.insert(unasked.end(), hosts.begin(), hosts.end());
    }
    if (judgement.verdict != v1::VERDICT_FAIL) continue;
    Found& found = found_[i];
    found.columns = judgement.evidence.columns;
    found.hosts.insert(found.hosts.end(), hosts.begin(), hosts.end());
    for (const Row& row : judgement.evidence.rows)
      found.rows.Add(ToRow(row), false, hosts);
  }
  return absl::OkStatus();
}

void RuleRows::Tell(const FleetChange& fleet, v1::Report& report) const {
  for (const auto& [number, found] : found_) {
    const v1::Control& rule = rules_.baseline().controls[number].control;
    v1::ReportComing& told = *report.add_coming();
    told.set_id(rule.id());
    *told.mutable_title() = rule.title();
    *told.mutable_columns() = {found.columns.begin(), found.columns.end()};
    SetHosts(fleet.hosts, found.hosts, *told.mutable_hosts());
    told.set_rows_omitted(found.rows.Tell(fleet, EvidenceRows::Order::kByCells,
                                          kMostRows, *told.mutable_rows()));
  }
}

void RuleRows::ForEach(
    const std::function<void(const v1::Control& rule,
                             const HostNumbers& hosts)>& take) const {
  for (const auto& [number, found] : found_)
    take(rules_.baseline().controls[number].control, found.hosts);
}

absl::Status RuleRows::TellUnasked(const FleetChange& fleet,
                                   const RegisterRows& before, int64_t from,
                                   Unseen& unseen) const {
  for (const auto& [key, hosts] : unasked_) {
    const auto& [number, reason] = key;
    HostNumbers fresh;
    for (const uint32_t host : hosts) {
      const TableDigests* tables = fleet.hosts[host].before;
      if (tables != nullptr) {
        ASSIGN_OR_RETURN(const auto judged,
                         rules_.State({*tables, before.digests}, from));
        if (judged->judgements[number]->verdict == v1::VERDICT_UNKNOWN)
          continue;
      }
      fresh.push_back(host);
    }
    unseen.AddUnasked(rules_.baseline().controls[number], reason, fresh);
  }
  return absl::OkStatus();
}

}  // namespace metsuke
