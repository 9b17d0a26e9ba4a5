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

absl::StatusOr<Due> FindDue(Store& store, int64_t now) {
  Due due;
  RETURN_IF_ERROR(store.VisitFleet(
      {}, 0, [&](FleetHost& host, const std::vector<HostState>& states) {
        if (host.state < 0 || !IsDue(host, states[host.state].tables, now))
          return absl::OkStatus();
        due.states.emplace(host.state, states[host.state].tables);
        due.hosts.push_back(std::move(host));
        return absl::OkStatus();
      }));
  std::ranges::stable_sort(due.hosts, {}, [](const FleetHost& host) {
    return host.entry.last_knock();
  });
  if (due.hosts.size() > kMostOfARound) due.hosts.resize(kMostOfARound);
  return due;
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
  ASSIGN_OR_RETURN(const Due due, FindDue(store, clock()));
  absl::Status status;
  std::mutex mutex;
  {
    Tasks tasks(kThreads);
    for (const FleetHost& host : due.hosts)
      tasks.Add([&, &tables = due.states.at(host.state)] {
        if (stop.stop_requested()) return;
        const absl::Status knocked =
            knocker.Knock(host, tables, clock(), stop).status();
        if (IsNoError(knocked)) return;
        const std::lock_guard lock(mutex);
        status.Update(Annotate(knocked, "host " + host.entry.id()));
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
