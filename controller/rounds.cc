#include "controller/rounds.h"

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/tasks.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kThreads = 16;

int64_t Time() { return std::time(nullptr); }

struct Due {
  std::vector<FleetHost> hosts;
  std::map<int, TableDigests> states;  // by number
};

// The first are those that were not asked for the longest.
absl::StatusOr<Due> FindDue(Store& store, int64_t now) {
  Due due;
  RETURN_IF_ERROR(store.VisitFleet(
      {}, 0, [&](FleetHost& host, const HostStates& states) {
        if (host.state < 0 || !IsDue(host, states[host.state]->tables, now))
          return absl::OkStatus();
        due.states.emplace(host.state, states[host.state]->tables);
        due.hosts.push_back(std::move(host));
        return absl::OkStatus();
      }));
  std::ranges::stable_sort(due.hosts, {}, [](const FleetHost& host) {
    return host.entry.last_knock();
  });
  return due;
}

// Visits that are made one after the other, for they go to one address. A few
// hosts that share one, all of them silent, must not hold up the others: what
// is too many for this round comes in the next. `status` becomes the error of
// a host that cannot be planned for.
std::vector<std::vector<Visit>> PlanRound(const Knocker& knocker, Due due,
                                          absl::Status& status) {
  std::vector<std::vector<Visit>> rows;
  std::map<std::string, size_t> places;
  size_t count = 0;
  for (FleetHost& host : due.hosts) {
    if (count == kMostOfARound) break;
    // What an operator chose is known before the tables are read.
    if (const auto row = places.find(host.knock_address);
        row != places.end() && !host.knock_address.empty() &&
        rows[row->second].size() == kMostAtOneAddress)
      continue;
    const TableDigests& tables = due.states.at(host.state);
    const std::string id = host.entry.id();
    absl::StatusOr<Visit> visit = knocker.Plan(std::move(host), tables);
    if (!visit.ok()) {
      status.Update(Annotate(visit.status(), "host " + id));
      continue;
    }
    const std::string place = visit->place();
    const auto [row, fresh] = places.emplace(place, rows.size());
    if (fresh || place.empty()) {
      rows.emplace_back().push_back(*std::move(visit));
    } else if (rows[row->second].size() < kMostAtOneAddress) {
      rows[row->second].push_back(*std::move(visit));
    } else {
      continue;
    }
    ++count;
  }
  return rows;
}

// Whether it says nothing of the round: the controller stops, or the host was
// removed while it was asked.
bool IsNoError(const absl::Status& status) {
  return status.ok() || absl::IsCancelled(status) ||
         absl::IsPermissionDenied(status);
}

}  // namespace

absl::Status GoRound(Store& store, Knocker& knocker,
                     const std::function<int64_t()>& clock,
                     const std::stop_token& stop) {
  ASSIGN_OR_RETURN(Due due, FindDue(store, clock()));
  absl::Status status;
  std::vector<std::vector<Visit>> rows =
      PlanRound(knocker, std::move(due), status);
  std::mutex mutex;
  {
    Tasks tasks(kThreads);
    for (std::vector<Visit>& row : rows)
      tasks.Add([&] {
        for (Visit& visit : row) {
          if (stop.stop_requested()) return;
          // An operator has asked meanwhile: the next round may.
          if (knocker.Reserve(visit, clock()) > 0) continue;
          const std::string id = visit.host.entry.id();
          const absl::Status knocked =
              knocker.Knock(std::move(visit), clock(), stop).status();
          if (IsNoError(knocked)) continue;
          const std::lock_guard lock(mutex);
          status.Update(Annotate(knocked, "host " + id));
        }
      });
  }
  return status;
}

Rounds::Rounds(Store& store, Knocker& knocker, bool knocks,
               std::chrono::milliseconds between)
    : store_(store),
      knocker_(knocker),
      knocks_(knocks),
      between_(between),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void Rounds::Loop(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any sleep;
  while (!sleep.wait_for(lock, stop, between_,
                         [&] { return stop.stop_requested(); })) {
    const absl::Status knocked =
        knocks_ ? GoRound(store_, knocker_, Time, stop) : absl::OkStatus();
    if (!knocked.ok())
      Log(Priority::kError,
          "not all SSH servers were asked from here: " + Message(knocked));
    const absl::Status expired =
        store_.ExpireObservations(Time() - kSightLasts, Time());
    if (!expired.ok())
      Log(Priority::kError,
          "what SSH servers answered long ago still counts: " +
              Message(expired));
  }
}

}  // namespace metsuke
