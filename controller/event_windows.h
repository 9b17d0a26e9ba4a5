// Makes one event of all that a host told of the same within ten minutes of the
// clock. A host tells what it read at once as one event, so what goes on comes
// in parts, and the store keeps them as they came.

#ifndef METSUKE_CONTROLLER_EVENT_WINDOWS_H_
#define METSUKE_CONTROLLER_EVENT_WINDOWS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "proto/event.pb.h"

namespace metsuke {

// The events of one host.
class EventWindows {
 public:
  // Takes an event; false when no more are wanted.
  using Take = std::function<bool(v1::Event)>;
  explicit EventWindows(Take take) : take_(std::move(take)) {}

  // The next event in the order of time. They are taken in that order, too, a
  // sum in the place of its first part. False when no more are wanted.
  bool Add(v1::Event event);

  // Gives away what is still held.
  bool Finish();

 private:
  Take take_;
  int64_t window_ = 0;
  std::vector<v1::Event> held_;         // of window_
  std::map<std::string, size_t> sums_;  // index in held_
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EVENT_WINDOWS_H_
