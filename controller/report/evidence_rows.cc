#include "controller/report/evidence_rows.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace metsuke {
namespace {

// As SQLite has it: numbers before texts.
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

void EvidenceRows::Add(v1::Row row, bool gone, const HostNumbers& hosts) {
  Entry& entry = rows_[row.SerializeAsString()];
  entry.row = std::move(row);
  entry.gone = gone;
  entry.hosts.insert(entry.hosts.end(), hosts.begin(), hosts.end());
}

uint32_t EvidenceRows::Tell(
    const FleetChange& fleet, Order order, size_t most,
    google::protobuf::RepeatedPtrField<v1::ReportRow>& told) const {
  std::vector<const Entry*> entries;
  for (const auto& [bytes, entry] : rows_) entries.push_back(&entry);
  if (order == Order::kCommonestFirst)
    std::ranges::stable_sort(entries, [](const Entry* a, const Entry* b) {
      return a->hosts.size() > b->hosts.size();
    });
  else
    std::ranges::stable_sort(entries, [](const Entry* a, const Entry* b) {
      return std::ranges::lexicographical_compare(a->row.cells(),
                                                  b->row.cells(), Less);
    });
  const size_t kept = std::min(most, entries.size());
  for (size_t i = 0; i < kept; ++i) {
    v1::ReportRow& row = *told.Add();
    row.set_gone(entries[i]->gone);
    *row.mutable_cells() = entries[i]->row.cells();
    SetHosts(fleet.hosts, entries[i]->hosts, *row.mutable_hosts());
  }
  return static_cast<uint32_t>(entries.size() - kept);
}

}  // namespace metsuke
