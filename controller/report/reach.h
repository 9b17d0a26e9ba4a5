// Logs that reach back less far than they did, or than they were to.

#ifndef METSUKE_CONTROLLER_REPORT_REACH_H_
#define METSUKE_CONTROLLER_REPORT_REACH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/report.pb.h"

namespace metsuke {

// What is worse about the logs of a host whose table log_sources was `before`
// at the instant `from` and `after` at `to`, both its canonical bytes; without
// the hosts, by source and path. Rotation that does what is configured is
// nothing. DataLoss for bytes that are no such table.
absl::StatusOr<std::vector<v1::ReportReach>> ShrunkLogs(
    const std::string& before, int64_t from, const std::string& after,
    int64_t to);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_REACH_H_
