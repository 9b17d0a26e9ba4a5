// The hosts of a fleet at the beginning and at the end of a report's time.

#ifndef METSUKE_CONTROLLER_REPORT_FLEET_CHANGE_H_
#define METSUKE_CONTROLLER_REPORT_FLEET_CHANGE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/store.h"
#include "controller/table_digests.h"
#include "proto/report.pb.h"

namespace metsuke {

// One host.
struct ReportHost {
  std::string id, name;
  int64_t last_seen = 0;
  // From when on it is compared: the beginning of the report's time or, where
  // the report before could not see it so far, earlier.
  int64_t from = 0;
  // Whether it was in the fleet at the beginning, and is at the end.
  bool was = false, is = false;
  // Its tables then; null when it had none.
  const TableDigests* before = nullptr;
  const TableDigests* after = nullptr;
};

// Whether it ever told of itself. One that was given labels has a table before.
inline bool HasReported(const ReportHost& host) {
  return host.after != nullptr && host.last_seen != 0;
}

// Hosts, as indexes in FleetChange::hosts.
using HostNumbers = std::vector<uint32_t>;

// Hosts that went from one state to another in the same time, or stayed in one.
struct StatePair {
  int64_t from = 0;
  const TableDigests* before = nullptr;
  const TableDigests* after = nullptr;
  HostNumbers hosts;
};

struct FleetChange {
  std::vector<ReportHost> hosts;  // by name, then by id
  // All hosts that had tables at both ends, by their states.
  std::vector<StatePair> pairs;
  // The labels that a host has, each "key=value", at one of the ends; those of
  // many hosts are alike.
  std::set<std::vector<std::string>> labels;
  // What the pointers point to.
  HostStates states;
};

// The fleet at two instants; a host that is asked for by name must have been
// there at one of them. The errors of Store::ReadFleet.
absl::Status ReadBoth(Store& store, const HostFilter& filter, int64_t from,
                      int64_t to, Fleet& before, Fleet& after);

// The hosts that `filter` means, at `from` and `to`; those that `behind` names,
// by their ids, at the instant it says in place of `from`.
absl::StatusOr<FleetChange> ReadFleetChange(
    Store& store, const HostFilter& filter, int64_t from, int64_t to,
    const std::map<std::string, int64_t>& behind);

// Sets number and names of these hosts, each of which counts once.
void SetHosts(const std::vector<ReportHost>& hosts, HostNumbers which,
              v1::ReportHosts& told);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_FLEET_CHANGE_H_
