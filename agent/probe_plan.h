// Which SSH servers of the host are to be asked, and for whom. Pure: tables in,
// targets out.

#ifndef METSUKE_AGENT_PROBE_PLAN_H_
#define METSUKE_AGENT_PROBE_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// One server, as metsuke-probe is told of it.
struct ProbeTarget {
  std::string listener;  // as ssh_access has it where that speaks of it
  std::string address;   // one of the host's own
  uint32_t port = 0;
  std::vector<std::string> accounts;

  bool operator==(const ProbeTarget&) const = default;
};

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
