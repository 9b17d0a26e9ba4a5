// Which SSH servers of a host the controller knocks at. Pure: tables in,
// targets out.

#ifndef METSUKE_CONTROLLER_OUTSIDE_H_
#define METSUKE_CONTROLLER_OUTSIDE_H_

#include <string>
#include <vector>

#include "proto/snapshot.pb.h"
#include "proto/ssh_probe.h"

namespace metsuke {

// Up to four listeners that `seen` (ssh_access, ssh_endpoints, interfaces) has
// and that another host may reach: each at `address`, or where that is empty at
// its own or the host's first global address, IPv4 before IPv6, and for one
// account. The text came
// from the host, so what is no address is left out.
std::vector<ProbeTarget> OutsideTargets(const v1::Snapshot& seen,
                                        const std::string& address);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_OUTSIDE_H_
