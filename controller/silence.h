// How long a host may say nothing.

#ifndef METSUKE_CONTROLLER_SILENCE_H_
#define METSUKE_CONTROLLER_SILENCE_H_

#include <cstdint>

namespace metsuke {

// Seconds after which a host that says nothing is silent: three looks, which
// come `interval` seconds apart.
constexpr int64_t SilentAfter(int64_t interval) { return 3 * interval; }

// Whether a host last heard of at `last_seen` was silent at `now`. What was
// noted by a clock that was ahead is no sign of life.
inline bool IsSilent(int64_t last_seen, int64_t now, int64_t interval) {
  return now - last_seen > SilentAfter(interval) ||
         last_seen - now > SilentAfter(interval);
}

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SILENCE_H_
