// Events that Metsuke itself has to tell, and the names of all.

#ifndef METSUKE_COLLECTORS_OWN_EVENT_H_
#define METSUKE_COLLECTORS_OWN_EVENT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/event.pb.h"

namespace metsuke {

// Event.id: the ids of one host are in the order of time. `words` tell events
// apart that happened at once.
std::string EventId(uint64_t microseconds, std::string_view words);

// What is to be said about the reading of records: an event of the kind
// "recorder" about `service`, at `time` in seconds since 1970-01-01 UTC. It is the
// same event each time the same is said.
v1::Event OwnEvent(const char* service, int64_t time,
                   const std::string& detail);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_OWN_EVENT_H_
