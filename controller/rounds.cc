#include "controller/rounds.h"

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

// Hosts whose time has come, and why some could not be looked at.
struct Due {
  std::map<int, TableDigests> states;              // by number
  std::vector<std::pair<std::string, int>> hosts;  // id, number of the state
  absl::Status status;
};

absl::StatusOr<Due> FindDue(Store& store, Knocker& knocker, int64_t now) {
  Due due;
  std::map<int, bool> news;  // by number of the state
  RETURN_IF_ERROR(store.VisitFleet(
      {}, 0, [&](const FleetHost& host, const std::vector<HostState>& states) {
        if (host.state < 0 || host.entry.last_seen() <= now - kSilent)
          return absl::OkStatus();
        const TableDigests& tables = states[host.state].tables;
        const auto [found, fresh] = news.try_emplace(host.state, false);
        if (fresh) {
          const auto is_news = knocker.IsNews(tables);
          if (!is_news.ok()) due.status.Update(is_news.status());
          found->second = is_news.ok() && *is_news;
        }
        if (found->second || host.entry.last_knock() <= now - kKnockAgain) {
          due.states.emplace(host.state, tables);
          due.hosts.emplace_back(host.entry.id(), host.state);
        }
        return absl::OkStatus();
      }));
  return due;
}

}  // namespace

absl::Status GoRound(Store& store, Knocker& knocker,
                     const std::function<int64_t()>& clock,
                     const std::stop_token& stop) {
  ASSIGN_OR_RETURN(Due due, FindDue(store, knocker, clock()));
  std::mutex mutex;
  {
    Tasks tasks(kThreads);
    for (const auto& [id, state] : due.hosts)
      tasks.Add([&, &id = id, &tables = due.states.at(state)] {
        if (stop.stop_requested()) return;
        const auto rows = knocker.Knock(id, tables, "", clock());
        const std::lock_guard lock(mutex);
        if (!rows.ok())
          due.status.Update(Annotate(rows.status(), "host " + id));
      });
  }
  return due.status;
}

Rounds::Rounds(Store& store, bool knocks)
    : store_(store),
      knocks_(knocks),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void Rounds::Loop(const std::stop_token& stop) {
  const auto clock = [] { return int64_t{std::time(nullptr)}; };
  Knocker knocker(store_);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any sleep;
  while (!sleep.wait_for(lock, stop, kBetween,
                         [&] { return stop.stop_requested(); })) {
    absl::Status status;
    if (knocks_) status = GoRound(store_, knocker, clock, stop);
    status.Update(store_.ExpireObservations(clock() - kSightLasts, clock()));
    if (!status.ok())
      Log(Priority::kError,
          "not all SSH servers were asked from here: " + Message(status));
  }
}

}  // namespace metsuke
