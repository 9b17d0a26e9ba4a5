#include "controller/report/decisions.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/drift/diff_table.h"
#include "controller/judge/judge.h"
#include "controller/judge/waivers.h"
#include "controller/known_tables.h"
#include "controller/store/labels.h"
#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;
using Proto = google::protobuf::Message;

constexpr int kMostChanges = 50;

std::string Text(const Proto& row, const char* column) {
  const FieldDescriptor* field = row.GetDescriptor()->FindFieldByName(column);
  return field == nullptr ? "" : row.GetReflection()->GetString(row, field);
}

// A register at one time, and whether rows were left out of it.
struct Rows {
  std::string bytes;
  bool partly = false;
};

absl::StatusOr<Rows> ReadRows(const BodySource& bodies,
                              const FieldDescriptor* table,
                              const std::string& digest,
                              const Concerns& concerns) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadBody(bodies, digest));
  google::protobuf::Arena arena;
  ASSIGN_OR_RETURN(const Proto* all, ParseTable(table, bytes, arena));
  Proto* some = all->New(&arena);
  const auto* reflection = all->GetReflection();
  const int count = reflection->FieldSize(*all, table);
  for (int i = 0; i < count; ++i) {
    const Proto& row = reflection->GetRepeatedMessage(*all, table, i);
    if (concerns(row)) reflection->AddMessage(some, table)->CopyFrom(row);
  }
  if (reflection->FieldSize(*some, table) == count) return Rows{bytes};
  return Rows{CanonicalTable(*some, table), true};
}

absl::Status AddRegister(Store& store, const FieldDescriptor* table,
                         int64_t from, int64_t to, const Concerns& concerns,
                         std::vector<v1::ReportDecision>& decisions) {
  const std::string& name = table->name();
  ASSIGN_OR_RETURN(const std::vector<RegisterTime> times,
                   store.RegisterHistory(name));
  const BodySource bodies = [&store](const std::string& digest) {
    return store.Body(digest);
  };
  // The newest first.
  for (size_t i = 0; i < times.size(); ++i) {
    const RegisterTime& time = times[i];
    if (time.since <= from || time.since > to) continue;
    Rows before;
    if (i + 1 < times.size()) {
      ASSIGN_OR_RETURN(before,
                       ReadRows(bodies, table, times[i + 1].digest, concerns));
    }
    ASSIGN_OR_RETURN(const Rows after,
                     ReadRows(bodies, table, time.digest, concerns));
    ASSIGN_OR_RETURN(const auto changes,
                     DiffTable(name, before.bytes, after.bytes));
    // It was about other hosts. That a register is kept at last is not told of
    // one that has rows of those.
    if ((before.partly || after.partly) &&
        std::ranges::all_of(changes, [](const v1::Change& change) {
          return change.kind() == "kept";
        }))
      continue;
    v1::ReportDecision& decision = decisions.emplace_back();
    decision.set_what(name);
    decision.set_time(time.since);
    decision.set_by(time.by);
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

Concerns ConcernsOf(const FleetChange& fleet) {
  std::set<std::string> ids;
  for (const ReportHost& host : fleet.hosts) ids.insert(host.id);
  return [ids = std::move(ids), &fleet](const Proto& row) {
    const std::string host = Text(row, "host");
    if (!host.empty()) return ids.contains(host);
    const auto selector = Selector::Parse(Text(row, "selector"));
    return !selector.ok() || selector->empty() ||
           std::ranges::any_of(fleet.labels, [&](const auto& labels) {
             return selector->Matches(labels);
           });
  };
}

absl::Status TellDecisions(Store& store, int64_t from, int64_t to,
                           const Concerns& concerns, v1::Report& report) {
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
    RETURN_IF_ERROR(
        AddRegister(store, field, from, to, concerns, decisions));
  std::ranges::stable_sort(decisions, {}, &v1::ReportDecision::time);
  for (v1::ReportDecision& decision : decisions)
    *report.add_decisions() = std::move(decision);
  return absl::OkStatus();
}

void TellEnding(const v1::Registers& registers, int64_t from, int64_t to,
                const Concerns& concerns, v1::Report& report) {
  std::vector<v1::Waiver> waivers(registers.waivers().begin(),
                                  registers.waivers().end());
  std::erase_if(waivers, std::not_fn(concerns));
  std::ranges::stable_sort(waivers, {}, &v1::Waiver::until);
  for (const v1::Waiver& waiver : waivers)
    if (EndsSoon(waiver, to))
      *report.add_waivers_ending() = waiver;
    else if (waiver.until() > from && waiver.until() <= to)
      *report.add_waivers_ended() = waiver;
}

}  // namespace metsuke
