// What metsuke-agent may want of metsuke-collect: numbers, and nothing else.

#ifndef METSUKE_COLLECTORS_INQUIRY_H_
#define METSUKE_COLLECTORS_INQUIRY_H_

#include <cstdint>

#include "collectors/event_position.h"

namespace metsuke {

struct Inquiry {
  // The tables, by the numbers of their fields in Snapshot; see TableBit. The
  // lowest bit, which no field has, asks for what happened after `position`.
  uint64_t mask = 0;
  // The number in the lines that the agent gave to syslog(3) last, for the
  // table log_heartbeats; 0 for none.
  uint64_t heartbeat = 0;
  EventPosition position;
};

// The bit that asks for events.
inline constexpr uint64_t kHear = 1;

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_INQUIRY_H_
