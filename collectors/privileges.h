// Giving up what collecting does not need.

#ifndef METSUKE_COLLECTORS_PRIVILEGES_H_
#define METSUKE_COLLECTORS_PRIVILEGES_H_

#include "absl/status/status.h"

namespace metsuke {

// Leaves this process, and every program it runs, with at most the three
// capabilities that reading a host takes: CAP_DAC_READ_SEARCH (files),
// CAP_SYS_PTRACE (which process has a socket) and CAP_AUDIT_CONTROL (audit
// rules). Programs it runs inherit none, unless RunOptions hands on the first,
// and never gain any. Nobody can trace it or make it dump core. An error means
// that it holds more than it should and must not go on.
absl::Status DropPrivileges();

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PRIVILEGES_H_
