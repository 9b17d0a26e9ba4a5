// Events that Metsuke itself has to tell.

#ifndef METSUKE_COLLECTORS_OWN_EVENT_H_
#define METSUKE_COLLECTORS_OWN_EVENT_H_

#include <cstdint>
#include <string>

#include "proto/event.pb.h"

namespace metsuke {

// What is to be said about the reading of records: an event of the kind
// "recorder" about `service`, at `time` in seconds since 1970-01-01 UTC. It is the
// same event each time the same is said.
v1::Event OwnEvent(const char* service, int64_t time,
                   const std::string& detail);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_OWN_EVENT_H_
