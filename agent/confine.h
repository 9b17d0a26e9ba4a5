// The agent speaks to the network, so it must hold nothing worth taking.

#ifndef METSUKE_AGENT_CONFINE_H_
#define METSUKE_AGENT_CONFINE_H_

#include "absl/status/status.h"

namespace metsuke {

// Gives up all capabilities, for good and for every program that could be run,
// and keeps other processes of the same user from looking inside.
// PermissionDenied, with what to do, for root; Internal when a capability could
// not be given up, and then the program must not go on.
absl::Status Confine();

}  // namespace metsuke

#endif  // METSUKE_AGENT_CONFINE_H_
