// How long to wait before the next try: exponential with full jitter, so that
// a fleet that lost its controller does not come back all at once.

#ifndef METSUKE_AGENT_BACKOFF_H_
#define METSUKE_AGENT_BACKOFF_H_

#include <algorithm>
#include <chrono>

namespace metsuke {

class Backoff {
 public:
  // The next wait. `random` is uniform in [0, 1]; the bound it is a share of
  // begins at 1 s and doubles up to 5 min.
  std::chrono::milliseconds Next(double random) {
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        bound_ * std::clamp(random, 0.0, 1.0));
    bound_ = std::min(bound_ * 2, kMost);
    return wait;
  }

  // The last try was a success.
  void Reset() { bound_ = kLeast; }

 private:
  static constexpr std::chrono::milliseconds kLeast{1000}, kMost{300000};
  std::chrono::milliseconds bound_ = kLeast;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_BACKOFF_H_
