#include "controller/knocker.h"

#include <algorithm>
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

absl::StatusOr<Visit> Knocker::Plan(FleetHost host,
                                    const TableDigests& tables) const {
  ASSIGN_OR_RETURN(const v1::Snapshot seen, ReadTables(store_, tables));
  Visit visit{.knocked_for = KnockedFor(host, tables),
              .plan = PlanOutside(seen,
                                  {host.knock_address, host.entry.address()})};
  visit.host = std::move(host);
  return visit;
}

absl::StatusOr<v1::Snapshot> Knocker::Knock(Visit visit, int64_t now,
                                            const std::stop_token& stop) {
  v1::Snapshot rows = std::move(visit.plan.gaps);
  for (const ProbeTarget& target : visit.plan.targets) {
    if (stop.stop_requested()) return absl::CancelledError("stopped");
    Ask(target, rows);
  }
  Observation observation{.host = visit.host.entry.id(),
                          .now = now,
                          .bodies = {},
                          .knocked_for = std::move(visit.knocked_for),
                          .knock_address = visit.host.knock_address};
  for (const char* table : {"ssh_endpoints_outside", "gaps_outside"})
    observation.bodies.push_back(
        MakeBody(table, CanonicalTable(rows, TableField(table))));
  RETURN_IF_ERROR(store_.Observe(observation));
  return rows;
}

int64_t Knocker::Reserve(const Visit& visit, int64_t now, bool anyway) {
  const std::lock_guard lock(mutex_);
  std::erase_if(counted_, [now](const auto& host) {
    return host.second.front() <= now - kCounted || host.second.front() > now;
  });
  if (const int64_t wait = WaitFor(visit, now); wait > 0 && !anyway) return wait;
  if (visit.plan.targets.empty()) return 0;
  std::vector<int64_t>& times = counted_[visit.host.entry.id()];
  times.insert(times.begin(), visit.plan.targets.size(), now);
  times.resize(std::min(times.size(), 2 * kMostCounted));
  return 0;
}

int64_t Knocker::WaitFor(const Visit& visit, int64_t now) const {
  const size_t more = visit.plan.targets.size();
  const auto host = counted_.find(visit.host.entry.id());
  if (more == 0 || host == counted_.end()) return 0;
  // The one that must be out of sight by then.
  const size_t place = kMostCounted - std::min(more, kMostCounted);
  if (place >= host->second.size() || host->second[place] > now) return 0;
  return std::max<int64_t>(host->second[place] + kCounted - now, 0);
}

}  // namespace metsuke
