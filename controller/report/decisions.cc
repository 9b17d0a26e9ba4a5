#include "controller/report/decisions.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controller/drift/diff_table.h"
#include "controller/judge/judge.h"
#include "controller/judge/waivers.h"
#include "controller/known_tables.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kMostChanges = 50;

absl::Status AddRegister(Store& store, const std::string& name, int64_t from,
                         int64_t to,
                         std::vector<v1::ReportDecision>& decisions) {
  ASSIGN_OR_RETURN(const std::vector<RegisterTime> times,
                   store.RegisterHistory(name));
  const BodySource bodies = [&store](const std::string& digest) {
    return store.Body(digest);
  };
  // The newest first.
  for (size_t i = 0; i < times.size(); ++i) {
    const RegisterTime& time = times[i];
    if (time.since <= from || time.since > to) continue;
    v1::ReportDecision& decision = decisions.emplace_back();
    decision.set_what(name);
    decision.set_time(time.since);
    decision.set_by(time.by);
    std::string before;
    if (i + 1 < times.size()) {
      ASSIGN_OR_RETURN(before, ReadBody(bodies, times[i + 1].digest));
    }
    ASSIGN_OR_RETURN(const std::string after, ReadBody(bodies, time.digest));
    ASSIGN_OR_RETURN(const auto changes, DiffTable(name, before, after));
    for (const v1::Change& change : changes) {
      if (decision.changes_size() == kMostChanges) {
        decision.set_omitted(
            static_cast<uint32_t>(changes.size() - kMostChanges));
        break;
      }
      *decision.add_changes() = change;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TellDecisions(Store& store, int64_t from, int64_t to,
                           v1::Report& report) {
  std::vector<v1::ReportDecision> decisions;
  ASSIGN_OR_RETURN(const std::vector<StoredBaseline> baselines,
                   store.Baselines());
  for (const StoredBaseline& baseline : baselines) {
    if (baseline.applied <= from || baseline.applied > to) continue;
    v1::ReportDecision& decision = decisions.emplace_back();
    decision.set_what("baseline");
    decision.set_time(baseline.applied);
    decision.set_by(baseline.by);
    decision.set_version(baseline.version);
  }
  for (const auto* field : KeptRegisters())
    RETURN_IF_ERROR(AddRegister(store, field->name(), from, to, decisions));
  std::ranges::stable_sort(decisions, {}, &v1::ReportDecision::time);
  for (v1::ReportDecision& decision : decisions)
    *report.add_decisions() = std::move(decision);
  return absl::OkStatus();
}

void TellEnding(const v1::Registers& registers, int64_t from, int64_t to,
                v1::Report& report) {
  std::vector<v1::Waiver> waivers(registers.waivers().begin(),
                                  registers.waivers().end());
  std::ranges::stable_sort(waivers, {}, &v1::Waiver::until);
  for (const v1::Waiver& waiver : waivers)
    if (EndsSoon(waiver, to))
      *report.add_waivers_ending() = waiver;
    else if (waiver.until() > from && waiver.until() <= to)
      *report.add_waivers_ended() = waiver;
}

}  // namespace metsuke
