// What metsuke-collect heard, as the agent records it.

#ifndef METSUKE_AGENT_HEARD_H_
#define METSUKE_AGENT_HEARD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "proto/collect.pb.h"
#include "proto/event.pb.h"

namespace metsuke {

struct HeardEvents {
  v1::Events events;
  // Where to go on, as EventPosition::Bytes has it.
  std::string position;
  // Whether there is more at once.
  bool more = false;
};

// Why the recorders could not be read the last time; empty when they could.
struct Unread {
  std::string journal, audit;
};

// The events of `collected`, the answer of metsuke-collect to the question what
// happened after `position`, or why there is none. Not having been able to read
// is an event of its own, and so is that it is over: once for each reason.
// `unread` becomes that of this time. `now` is in seconds since 1970-01-01 UTC.
HeardEvents TakeHeard(const absl::StatusOr<v1::Collected>& collected,
                      const std::string& position, Unread& unread, int64_t now);

}  // namespace metsuke

#endif  // METSUKE_AGENT_HEARD_H_
