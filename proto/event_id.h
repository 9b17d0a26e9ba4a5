// The names of events.

#ifndef METSUKE_PROTO_EVENT_ID_H_
#define METSUKE_PROTO_EVENT_ID_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace metsuke {

inline constexpr size_t kEventIdBytes = 16;

// Event.id: the ids of one host are in the order of time. `words` tell events
// apart that happened at once.
std::string EventId(uint64_t microseconds, std::string_view words);

}  // namespace metsuke

#endif  // METSUKE_PROTO_EVENT_ID_H_
