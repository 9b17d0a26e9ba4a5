#include "controller/report/rules.h"

#include <algorithm>
#include <utility>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kMostRows = 100;

CompiledBaseline AsBaseline(const std::vector<CompiledControl>& rules) {
  CompiledBaseline baseline;
  baseline.controls = rules;
  return baseline;
}

HostNumbers Sorted(HostNumbers hosts) {
  std::ranges::sort(hosts);
  return hosts;
}

// Cells are in order as SQLite has them: numbers before texts.
bool Less(const v1::Cell& a, const v1::Cell& b) {
  if (a.value_case() != b.value_case()) return a.value_case() < b.value_case();
  switch (a.value_case()) {
    case v1::Cell::kInteger:
      return a.integer() < b.integer();
    case v1::Cell::kReal:
      return a.real() < b.real();
    default:
      return a.text() < b.text();
  }
}

}  // namespace

RuleRows::RuleRows(const std::vector<CompiledControl>& rules,
                   const BodySource& bodies, const RegisterRows& registers,
                   int64_t now)
    : judge_(AsBaseline(rules), bodies), registers_(registers), now_(now) {}

absl::Status RuleRows::Add(const TableDigests& tables,
                           const HostNumbers& hosts) {
  ASSIGN_OR_RETURN(const auto judged,
                   judge_.State({tables, registers_.digests}, now_));
  for (size_t i = 0; i < judged->judgements.size(); ++i) {
    const Judgement& judgement = *judged->judgements[i];
    if (judgement.verdict != v1::VERDICT_FAIL) continue;
    Found& found = found_[i];
    found.columns = judgement.evidence.columns;
    found.hosts.insert(found.hosts.end(), hosts.begin(), hosts.end());
    for (const metsuke::Row& cells : judgement.evidence.rows) {
      v1::Row message = ToRow(cells);
      Row& row = found.rows[message.SerializeAsString()];
      *row.row.mutable_cells() = std::move(*message.mutable_cells());
      row.hosts.insert(row.hosts.end(), hosts.begin(), hosts.end());
    }
  }
  return absl::OkStatus();
}

void RuleRows::Tell(const FleetChange& fleet, v1::Report& report) const {
  for (const auto& [number, found] : found_) {
    const v1::Control& rule = judge_.baseline().controls[number].control;
    v1::ReportComing& told = *report.add_coming();
    told.set_id(rule.id());
    *told.mutable_title() = rule.title();
    *told.mutable_columns() = {found.columns.begin(), found.columns.end()};
    SetHosts(fleet.hosts, Sorted(found.hosts), *told.mutable_hosts());
    std::vector<const Row*> rows;
    for (const auto& [key, row] : found.rows) rows.push_back(&row);
    std::ranges::stable_sort(rows, [](const Row* a, const Row* b) {
      return std::ranges::lexicographical_compare(a->row.cells(),
                                                  b->row.cells(), Less);
    });
    for (const Row* row : rows) {
      if (told.rows_size() == kMostRows) {
        told.set_rows_omitted(static_cast<uint32_t>(rows.size() - kMostRows));
        break;
      }
      *told.add_rows() = row->row;
      SetHosts(fleet.hosts, Sorted(row->hosts),
               *told.mutable_rows(told.rows_size() - 1)->mutable_hosts());
    }
  }
}

void RuleRows::ForEach(
    const std::function<void(const v1::Control& rule,
                             const HostNumbers& hosts)>& take) const {
  for (const auto& [number, found] : found_)
    take(judge_.baseline().controls[number].control, found.hosts);
}

}  // namespace metsuke
