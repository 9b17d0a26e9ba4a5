// A line in the host's logs every hour, which must then be found there: what
// shows that they are still written.

#ifndef METSUKE_AGENT_HEARTBEAT_H_
#define METSUKE_AGENT_HEARTBEAT_H_

#include <atomic>
#include <cstdint>
#include <memory>

namespace metsuke {

class Heartbeat {
 public:
  // The number in the last lines; an hour after them others are written first,
  // unless the last still are. 0 when none was ever written. `now` is in seconds
  // of a clock that nobody sets.
  uint64_t Beat(int64_t now);

 private:
  uint64_t number_ = 0;
  int64_t sent_ = 0;
  // Whether a line is being written; shared with the thread that does.
  std::shared_ptr<std::atomic<bool>> writing_ =
      std::make_shared<std::atomic<bool>>(false);
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_HEARTBEAT_H_
