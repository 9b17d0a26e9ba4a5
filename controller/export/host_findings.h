// One host with all its findings: what exports write, a host at a time, so that
// a fleet of any size fits.

#ifndef METSUKE_CONTROLLER_EXPORT_HOST_FINDINGS_H_
#define METSUKE_CONTROLLER_EXPORT_HOST_FINDINGS_H_

#include <string>
#include <vector>

#include "proto/operator.pb.h"

namespace metsuke {

struct HostFindings {
  v1::HostEntry host;
  v1::HostPosture posture;
  // In the order of the baseline.
  std::vector<v1::Finding> findings;
};

// The rows, a line each, and how many were left out: "port=23 program=telnetd".
// Safe for a terminal, and by that in one line.
std::vector<std::string> EvidenceLines(const v1::RowSet& rows);

// Until when a failure is waived, who agreed, and why; likewise safe.
std::string WaiverLine(const v1::Finding& finding);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EXPORT_HOST_FINDINGS_H_
