// How long a host may say nothing.

#ifndef METSUKE_CONTROLLER_SILENCE_H_
#define METSUKE_CONTROLLER_SILENCE_H_

#include <cstdint>

namespace metsuke {

// Whether a host last heard of at `last_seen` has been silent for longer than
// three looks, which come `interval` seconds apart.
inline bool IsSilent(int64_t last_seen, int64_t now, int64_t interval) {
  return now - last_seen > 3 * interval;
}

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SILENCE_H_
