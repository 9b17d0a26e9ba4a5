// Controls that fail, and since when.

#ifndef METSUKE_CONTROLLER_REPORT_FINDINGS_H_
#define METSUKE_CONTROLLER_REPORT_FINDINGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "controller/report/ends.h"
#include "controller/report/fleet_change.h"
#include "controller/store/store.h"
#include "proto/report.pb.h"

namespace metsuke {

class Findings {
 public:
  // What the reports of the nights found open at the instant `last_night`; the
  // report ends at `to`. All must outlive it.
  static absl::StatusOr<Findings> Read(Store& store,
                                       const CompiledBaseline& baseline,
                                       const FleetChange& fleet,
                                       int64_t last_night, int64_t to);

  // How a host stands; how it stood is null when it had not reported.
  absl::Status Add(uint32_t number, const Stand* before, const Stand& after);

  // Sets the open findings of the report.
  void Tell(v1::Report& report) const;

  // What began to fail and what fails no longer; a control that cannot be
  // judged now does neither. To be called once, after all hosts were added.
  std::vector<HostControl> TakeOpened() { return std::move(opened_); }
  std::vector<HostControl> Closed() const;

 private:
  Findings(Store& store, const CompiledBaseline& baseline,
           const FleetChange& fleet, int64_t to)
      : store_(store), baseline_(baseline), fleet_(fleet), to_(to) {}

  struct Prior {
    int64_t since = 0;
    bool open = true;
  };
  struct Open {
    HostNumbers hosts;
    int64_t since = 0;
    uint32_t oldest = 0;
  };
  using TableTimes = std::map<std::string, int64_t>;

  int64_t Since(size_t control, const ReportHost& host, const Stand* before,
                const TableTimes& tables) const;

  Store& store_;
  const CompiledBaseline& baseline_;
  const FleetChange& fleet_;
  const int64_t to_;
  // By the id of the host and the number of the control.
  std::unordered_map<std::string, std::map<size_t, Prior>> prior_;
  // Of controls that the baseline no longer has.
  std::vector<HostControl> closed_;
  std::map<size_t, Open> open_;  // by the number of the control
  std::vector<HostControl> opened_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_FINDINGS_H_
