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
  // Rows of gaps_outside: servers that cannot be asked.
  v1::Snapshot gaps;
};

// Adds to gaps_outside that a server could not be asked, and why.
void AddOutsideGap(const std::string& listener, const std::string& why,
                   v1::Snapshot& rows);

// Where a host can be reached.
struct OutsideAddress {
  std::string chosen;  // by an operator, for all servers; empty when not
  std::string spoken;  // where its agent spoke from; empty when not known
};

// The listeners that `seen` (ssh_access, ssh_endpoints, interfaces) has and
// that another host may reach, up to four of them targets, each for one
// account. One that is bound to an address is reached there, the others where
// the agent spoke from if that is an address of the host, or else at its first
// global one, IPv4 before IPv6 and bridges of containers last. The text came
// from the host, so what is no address is left out.
OutsidePlan PlanOutside(const v1::Snapshot& seen,
                        const OutsideAddress& address);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_OUTSIDE_H_
