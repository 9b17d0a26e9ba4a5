// Logs that shrank, put together over the hosts of a fleet.

#ifndef METSUKE_CONTROLLER_REPORT_REACHES_H_
#define METSUKE_CONTROLLER_REPORT_REACHES_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "controller/judge/judge.h"
#include "controller/report/fleet_change.h"
#include "proto/report.pb.h"

namespace metsuke {

class Reaches {
 public:
  // `fleet` must outlive it.
  explicit Reaches(const FleetChange& fleet) : fleet_(fleet) {}

  // Looks at the logs of hosts that changed alike until `to`.
  absl::Status Add(const BodySource& bodies, const StatePair& pair, int64_t to);

  // Sets what shrank, on the most hosts first.
  void Tell(v1::Report& report) const;

 private:
  struct Shrunk {
    v1::ReportReach reach;
    HostNumbers hosts;
  };

  const FleetChange& fleet_;
  std::map<std::string, Shrunk> shrunk_;  // by the reach itself
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_REACHES_H_
