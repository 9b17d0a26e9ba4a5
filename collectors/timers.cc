// Fills the timers table: systemd's list, and what each timer says of itself.

#include "collectors/collector.h"
#include "collectors/systemd.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr uint64_t kHour = 3600;

void AddRow(const Unit& unit, const TimerFacts& facts,
            v1::Snapshot& snapshot) {
  v1::Timer& row = *snapshot.add_timers();
  row.set_name(unit.name);
  row.set_enabled(unit.enabled);
  row.set_active(unit.active);
  row.set_unit(facts.unit);
  row.set_schedule(facts.schedule);
  row.set_persistent(facts.persistent);
  row.set_last_run(
      static_cast<int64_t>(facts.last_trigger / 1000000 / kHour * kHour));
}

}  // namespace

absl::Status CollectTimers(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(Systemd systemd, Systemd::Connect(host));
  ASSIGN_OR_RETURN(const std::vector<Unit> units, systemd.Units(".timer"));
  for (const Unit& unit : units) {
    absl::StatusOr<TimerFacts> facts = systemd.Timer(unit.name);
    // One that hangs would be followed by others that hang.
    if (absl::IsDeadlineExceeded(facts.status())) return facts.status();
    // A masked timer, or one whose file is broken, has no schedule to tell.
    if (!facts.ok() && unit.load != "masked" && unit.load != "not-found")
      AddGap(snapshot, "timers", unit.name, Message(facts.status()));
    AddRow(unit, facts.ok() ? *facts : TimerFacts{}, snapshot);
  }
  return absl::OkStatus();
}

}  // namespace metsuke
