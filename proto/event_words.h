// What agent and controller must call the same.

#ifndef METSUKE_PROTO_EVENT_WORDS_H_
#define METSUKE_PROTO_EVENT_WORDS_H_

#include <string_view>

namespace metsuke {

// Begins the detail of an event by which the agent says that it cannot read
// what happened.
inline constexpr std::string_view kEventsUnread = "events cannot be read: ";

// Begins the reason of a row of log_gaps about records that were taken away
// since the look before; the controller makes an event of it.
inline constexpr std::string_view kCleared = "cleared: ";

}  // namespace metsuke

#endif  // METSUKE_PROTO_EVENT_WORDS_H_
