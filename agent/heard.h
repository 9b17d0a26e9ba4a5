// What metsuke-collect heard, as the agent records it.

#ifndef METSUKE_AGENT_HEARD_H_
#define METSUKE_AGENT_HEARD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/collect.pb.h"
#include "proto/event.pb.h"

namespace metsuke {

struct HeardEvents {
  v1::Events events;
  // Where to go on; nothing when that is as it was.
  std::optional<std::string> position;
  // Whether there is more at once.
  bool more = false;
};

// The events of `collected`, the answer of metsuke-collect or why there is none.
// Not having been able to read is an event of its own, and so is that it is over:
// once for each reason. `unread` is the reason of the last time, empty when there
// was none, and becomes that of this time. `now` is in seconds since 1970-01-01
// UTC.
HeardEvents TakeHeard(const absl::StatusOr<v1::Collected>& collected,
                      std::string& unread, int64_t now);

}  // namespace metsuke

#endif  // METSUKE_AGENT_HEARD_H_
