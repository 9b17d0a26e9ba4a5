// What the metrics are made of: every host judged now.

#ifndef METSUKE_CONTROLLER_MEASURE_FLEET_H_
#define METSUKE_CONTROLLER_MEASURE_FLEET_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "controller/export/metrics.h"
#include "controller/judge/judge.h"
#include "controller/registers.h"
#include "controller/store/store.h"

namespace metsuke {

struct MetricsSources {
  Store& store;
  StandingRegisters& registers;
  // Null when no baseline is in force.
  Judge* judge = nullptr;
  // Seconds between two looks at a host.
  int64_t interval = 0;
  // When the controller's certificate ends.
  int64_t certificate_until = 0;
};

absl::StatusOr<FleetMetrics> MeasureFleet(const MetricsSources& sources,
                                          int64_t now);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_MEASURE_FLEET_H_
