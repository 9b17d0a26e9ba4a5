// When to look at the host.

#ifndef METSUKE_AGENT_LOOK_TIMES_H_
#define METSUKE_AGENT_LOOK_TIMES_H_

#include <algorithm>
#include <chrono>
#include <utility>

namespace metsuke {

class LookTimes {
 public:
  using Clock = std::chrono::steady_clock;

  // When the next look is due; at once before the first.
  Clock::time_point next() const { return next_; }

  // A look is wanted at this time.
  void Want(Clock::time_point at) { next_ = at; }

  // The next look comes so long after the last one, if it was to come later.
  void Hasten(std::chrono::milliseconds after) {
    next_ = std::min(next_, last_ + after);
  }

  // Looks come so far apart from now on, `spread` being about 1 and another for
  // each host, so that hosts that were started together drift apart. The
  // controller says how far only when the first look has begun.
  void Follow(std::chrono::milliseconds interval, double spread) {
    if (std::exchange(interval_, interval) != interval) Hasten(Spread(spread));
  }

  // A look begins.
  void Begin(Clock::time_point now, double spread) {
    last_ = now;
    next_ = now + Spread(spread);
  }

 private:
  std::chrono::milliseconds Spread(double spread) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(interval_ *
                                                                 spread);
  }

  std::chrono::milliseconds interval_{0};
  Clock::time_point last_, next_;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_LOOK_TIMES_H_
