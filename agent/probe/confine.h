// What metsuke-probe takes from itself before it hears a stranger.

#ifndef METSUKE_AGENT_PROBE_CONFINE_H_
#define METSUKE_AGENT_PROBE_CONFINE_H_

#include "absl/status/status.h"

namespace metsuke {

// From here on this process has no capability and gains none, is traced by
// nobody, leaves no core and opens no file (Landlock, where there is one: Linux
// 5.13).
absl::Status ConfineProbe();

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_CONFINE_H_
