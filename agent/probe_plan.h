// Which SSH servers of the host are to be asked, and for whom. Pure: tables in,
// targets out.

#ifndef METSUKE_AGENT_PROBE_PLAN_H_
#define METSUKE_AGENT_PROBE_PLAN_H_

#include <vector>

#include "proto/snapshot.pb.h"
#include "proto/ssh_probe.h"

namespace metsuke {

struct ProbePlan {
  std::vector<ProbeTarget> targets;
  // Rows of `gaps`: servers there may be besides.
  v1::Snapshot gaps;
};

// The listening sockets of `seen` that sshd's configuration or the name of the
// program says are SSH servers. For each, up to three accounts with different
// ways in from this host, root first; root where no way is known.
ProbePlan PlanProbe(const v1::Snapshot& seen);

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_PLAN_H_
