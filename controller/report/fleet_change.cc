#include "controller/report/fleet_change.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kMostNames = 100;

// Puts both fleets together, host by host.
class Joiner {
 public:
  Joiner(Store& store, int64_t from, FleetChange& change)
      : store_(store), from_(from), change_(change) {}

  void AddBefore(Fleet fleet) {
    const auto states = Keep(std::move(fleet.states));
    for (FleetHost& host : fleet.hosts) {
      ReportHost& joined = Find(host);
      joined.was = true;
      if (host.state >= 0) joined.before = states[host.state];
    }
  }

  void AddAfter(Fleet fleet) {
    const auto states = Keep(std::move(fleet.states));
    for (FleetHost& host : fleet.hosts) {
      ReportHost& joined = Find(host);
      joined.is = true;
      joined.name = host.entry.host();
      joined.last_seen = host.entry.last_seen();
      if (host.state >= 0) joined.after = states[host.state];
    }
  }

  // Compares the host from an earlier instant on.
  absl::Status SetBehind(const std::string& id, int64_t until) {
    const auto host = hosts_.find(id);
    if (host == hosts_.end() || until >= from_) return absl::OkStatus();
    absl::StatusOr<Fleet> fleet = store_.ReadFleet({.selector = "", .host = id},
                                                   std::max<int64_t>(until, 1));
    if (absl::IsNotFound(fleet.status())) return absl::OkStatus();
    if (!fleet.ok()) return fleet.status();
    host->second.from = until;
    const int state = fleet->hosts.at(0).state;
    host->second.before =
        state < 0 ? nullptr : Keep(std::move(fleet->states))[state];
    return absl::OkStatus();
  }

  void Finish() {
    for (auto& [id, host] : hosts_) change_.hosts.push_back(std::move(host));
    std::ranges::sort(change_.hosts, {}, [](const ReportHost& host) {
      return std::tie(host.name, host.id);
    });
    std::map<std::tuple<int64_t, const TableDigests*, const TableDigests*>,
             size_t>
        pairs;
    for (uint32_t i = 0; i < change_.hosts.size(); ++i) {
      const ReportHost& host = change_.hosts[i];
      if (host.before == nullptr || host.after == nullptr) continue;
      const auto [pair, fresh] = pairs.try_emplace(
          {host.from, host.before, host.after}, change_.pairs.size());
      if (fresh)
        change_.pairs.push_back({.from = host.from,
                                 .before = host.before,
                                 .after = host.after,
                                 .hosts = {}});
      change_.pairs[pair->second].hosts.push_back(i);
    }
  }

 private:
  ReportHost& Find(FleetHost& host) {
    change_.labels.emplace(host.entry.labels().begin(),
                           host.entry.labels().end());
    ReportHost& found = hosts_[host.entry.id()];
    if (found.id.empty()) {
      found.id = host.entry.id();
      found.name = host.entry.host();
      found.last_seen = host.entry.last_seen();
      found.from = from_;
    }
    return found;
  }

  // The same tables are the same pointer, whichever fleet they came with.
  std::vector<const TableDigests*> Keep(HostStates states) {
    std::vector<const TableDigests*> kept;
    for (auto& state : states) {
      const auto [known, fresh] =
          known_.try_emplace(state->digest, &state->tables);
      kept.push_back(known->second);
      if (fresh) change_.states.push_back(std::move(state));
    }
    return kept;
  }

  Store& store_;
  const int64_t from_;
  FleetChange& change_;
  std::map<std::string, ReportHost> hosts_;  // by id
  // By the digest of the state.
  std::unordered_map<std::string, const TableDigests*> known_;
};

}  // namespace

absl::Status ReadBoth(Store& store, const HostFilter& filter, int64_t from,
                      int64_t to, Fleet& before, Fleet& after) {
  absl::StatusOr<Fleet> old_fleet = store.ReadFleet(filter, from);
  absl::StatusOr<Fleet> new_fleet = store.ReadFleet(filter, to);
  if (!old_fleet.ok() &&
      !(absl::IsNotFound(old_fleet.status()) && new_fleet.ok()))
    return new_fleet.ok() ? old_fleet.status() : new_fleet.status();
  if (!new_fleet.ok() && !absl::IsNotFound(new_fleet.status()))
    return new_fleet.status();
  before = std::move(old_fleet).value_or(Fleet());
  after = std::move(new_fleet).value_or(Fleet());
  return absl::OkStatus();
}

absl::StatusOr<FleetChange> ReadFleetChange(
    Store& store, const HostFilter& filter, int64_t from, int64_t to,
    const std::map<std::string, int64_t>& behind) {
  Fleet before, after;
  RETURN_IF_ERROR(ReadBoth(store, filter, from, to, before, after));
  FleetChange change;
  Joiner joiner(store, from, change);
  joiner.AddBefore(std::move(before));
  joiner.AddAfter(std::move(after));
  for (const auto& [id, until] : behind)
    RETURN_IF_ERROR(joiner.SetBehind(id, until));
  joiner.Finish();
  return change;
}

void SetHosts(const std::vector<ReportHost>& hosts, HostNumbers which,
              v1::ReportHosts& told) {
  std::ranges::sort(which);
  which.erase(std::unique(which.begin(), which.end()), which.end());
  told.set_count(static_cast<uint32_t>(which.size()));
  for (size_t i = 0; i < std::min(which.size(), kMostNames); ++i)
    told.add_names(hosts[which[i]].name);
}

}  // namespace metsuke
