#include "controller/report/reaches.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "controller/report/reach.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kMostLines = 200;

}  // namespace

absl::Status Reaches::Add(const BodySource& bodies, const StatePair& pair,
                          int64_t to) {
  const auto before = pair.before->find("log_sources");
  const auto after = pair.after->find("log_sources");
  if (before == pair.before->end() || after == pair.after->end() ||
      before->second == after->second)
    return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string old_rows,
                   ReadBody(bodies, before->second));
  ASSIGN_OR_RETURN(const std::string new_rows, ReadBody(bodies, after->second));
  ASSIGN_OR_RETURN(std::vector<v1::ReportReach> reaches,
                   ShrunkLogs(old_rows, pair.from, new_rows, to));
  for (v1::ReportReach& reach : reaches) {
    Shrunk& shrunk = shrunk_[reach.SerializeAsString()];
    shrunk.reach = std::move(reach);
    shrunk.hosts.insert(shrunk.hosts.end(), pair.hosts.begin(),
                        pair.hosts.end());
  }
  return absl::OkStatus();
}

void Reaches::Tell(v1::Report& report) const {
  std::vector<const Shrunk*> order;
  for (const auto& [key, shrunk] : shrunk_) order.push_back(&shrunk);
  std::ranges::stable_sort(order, [](const Shrunk* a, const Shrunk* b) {
    return a->hosts.size() > b->hosts.size();
  });
  for (const Shrunk* shrunk : order) {
    if (report.reaches_size() == kMostLines) {
      report.set_reaches_omitted(
          static_cast<uint32_t>(order.size() - kMostLines));
      break;
    }
    v1::ReportReach& told = *report.add_reaches();
    told = shrunk->reach;
    SetHosts(fleet_.hosts, shrunk->hosts, *told.mutable_hosts());
  }
}

}  // namespace metsuke
