#include "controller/knocker.h"

#include <utility>

#include "controller/store/body.h"
#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What decides where to knock and what to hear.
constexpr const char* kDeciding[] = {"ssh_access", "ssh_endpoints",
                                     "interfaces", "ssh_host_keys"};

std::string KnockedFor(const FleetHost& host, const TableDigests& tables) {
  std::string all = host.knock_address + '\0' + host.entry.address();
  for (const char* table : kDeciding) {
    const auto digest = tables.find(table);
    all += digest == tables.end() ? Sha256("") : digest->second;
  }
  return Sha256(all);
}

absl::StatusOr<v1::Snapshot> ReadTables(Store& store,
                                        const TableDigests& tables) {
  v1::Snapshot seen;
  for (const char* table : kDeciding) {
    const auto digest = tables.find(table);
    if (digest == tables.end()) continue;
    ASSIGN_OR_RETURN(const std::string bytes, store.Body(digest->second));
    if (!seen.MergeFromString(bytes))
      return absl::DataLossError("the stored rows cannot be read");
  }
  return seen;
}

}  // namespace

bool IsDue(const FleetHost& host, const TableDigests& tables, int64_t now) {
  if (host.entry.last_seen() <= now - kSilent) return false;
  const int64_t last = host.entry.last_knock();
  // A clock that was ahead must not put it off until then.
  if (last == 0 || last <= now - kKnockAgain || last > now) return true;
  return last <= now - kKnockSooner &&
         host.knocked_for != KnockedFor(host, tables);
}

Knocker::Knocker(Store& store, Run run) : store_(store), run_(std::move(run)) {}

void Knocker::Ask(const ProbeTarget& target, v1::Snapshot& rows) {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return busy_.insert(target.address).second; });
  }
  const absl::StatusOr<v1::Snapshot> answers = run_(target);
  {
    const std::lock_guard lock(mutex_);
    busy_.erase(target.address);
  }
  idle_.notify_all();
  if (!answers.ok())
    return AddOutsideGap(target.listener, Message(answers.status()), rows);
  for (const v1::SshEndpoint& row : answers->ssh_endpoints()) {
    *rows.add_ssh_endpoints_outside() = row;
    if (row.outcome() == "failed")
      AddOutsideGap(target.listener, row.message(), rows);
  }
}

absl::StatusOr<v1::Snapshot> Knocker::Knock(const FleetHost& host,
                                            const TableDigests& tables,
                                            int64_t now,
                                            const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const v1::Snapshot seen, ReadTables(store_, tables));
  OutsidePlan plan =
      PlanOutside(seen, {host.knock_address, host.entry.address()});
  v1::Snapshot rows = std::move(plan.gaps);
  for (const ProbeTarget& target : plan.targets) {
    if (stop.stop_requested()) return absl::CancelledError("stopped");
    Ask(target, rows);
  }
  Observation observation{.host = host.entry.id(),
                          .now = now,
                          .bodies = {},
                          .knocked_for = KnockedFor(host, tables),
                          .knock_address = host.knock_address};
  for (const char* table : {"ssh_endpoints_outside", "gaps_outside"})
    observation.bodies.push_back(
        MakeBody(table, CanonicalTable(rows, TableField(table))));
  RETURN_IF_ERROR(store_.Observe(observation));
  return rows;
}

}  // namespace metsuke
