// The fleet in numbers, in the text format of Prometheus.

#ifndef METSUKE_CONTROLLER_EXPORT_METRICS_H_
#define METSUKE_CONTROLLER_EXPORT_METRICS_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "proto/operator.pb.h"

namespace metsuke {

struct HostMetrics {
  v1::HostPosture posture;
  // Whether it has ever said what it looks like; of another nothing can be said
  // but that it is there.
  bool reported = false;
  // Failed controls that no waiver covers, by v1::Severity.
  std::array<uint32_t, v1::Severity_ARRAYSIZE> failed{};
};

struct ControlMetrics {
  v1::Severity severity = v1::SEVERITY_UNSPECIFIED;
  // Hosts on which it fails and no waiver covers it.
  uint32_t failed = 0;
  // Hosts on which it could not be judged.
  uint32_t unknown = 0;
};

struct FleetMetrics {
  // When the hosts were judged.
  int64_t at = 0;
  // Version of the baseline; empty when none is in force.
  std::string baseline;
  // By id: a series that stands twice makes Prometheus refuse all of them.
  std::map<std::string, HostMetrics> hosts;
  // By id; empty without a baseline.
  std::map<std::string, ControlMetrics> controls;
  // When the controller's certificate ends.
  int64_t certificate_until = 0;
  // Waivers that end within 14 days.
  uint32_t waivers_ending = 0;
  // The last night's report; nothing when there is none yet.
  std::optional<v1::ReportEntry> night;
};

// What is not known has no sample, rather than one that is 0. Series are of the
// fleet, of a host or of a control, and none is of a host and a control.
std::string MetricsText(const FleetMetrics& fleet);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EXPORT_METRICS_H_
