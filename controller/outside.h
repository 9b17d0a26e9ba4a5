// Which SSH servers of a host the controller knocks at. Pure: tables in, plan
// out.

#ifndef METSUKE_CONTROLLER_OUTSIDE_H_
#define METSUKE_CONTROLLER_OUTSIDE_H_

#include <string>
#include <vector>

#include "proto/snapshot.pb.h"
#include "proto/ssh_probe.h"

namespace metsuke {

struct OutsidePlan {
  std::vector<ProbeTarget> targets;
  // Rows of ssh_endpoints_outside about servers that cannot be asked.
  v1::Snapshot rows;
};

// The listeners that `seen` (ssh_access, ssh_endpoints, interfaces) has and
// that another host may reach, up to four of them targets: each at `address`,
// or where that is empty at its own or the host's first global address, IPv4
// before IPv6, and for one account. The text came from the host, so what is no
// address is left out.
OutsidePlan PlanOutside(const v1::Snapshot& seen, const std::string& address);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_OUTSIDE_H_
