// What other threads have to tell the daemon's one thread: gRPC's what came
// over the stream, the one that asks metsuke-collect what it answered.

#ifndef METSUKE_AGENT_MAILBOX_H_
#define METSUKE_AGENT_MAILBOX_H_

#include <grpcpp/support/status.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "collectors/descriptor.h"
#include "proto/collect.pb.h"
#include "proto/sync.pb.h"

namespace metsuke {

namespace event {
// The controller said this; it says no more until Stream::ReadNext.
struct Message {
  v1::ControllerMessage message;
};
// The message given to Stream::Write is on its way.
struct Written {};
// The stream is over.
struct Closed {
  grpc::Status status;
};
// The answer of metsuke-collect, or why there is none.
struct Looked {
  absl::StatusOr<v1::Collected> collected;
};
// The same when it was asked what happened.
struct Heard {
  absl::StatusOr<v1::Collected> collected;
};
}  // namespace event

using Event =
    std::variant<event::Message, event::Written, event::Closed, event::Looked,
                 event::Heard>;

class Mailbox {
 public:
  Mailbox() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  // From any thread.
  void Put(Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    [[maybe_unused]] const int woken = eventfd_write(wake_.get(), 1);
  }

  // All that came since the last call, in order.
  std::deque<Event> Take() {
    const std::lock_guard lock(mutex_);
    eventfd_t ignored;
    [[maybe_unused]] const int slept = eventfd_read(wake_.get(), &ignored);
    return std::exchange(events_, {});
  }

  // Forgets what a stream that is no more has put here.
  void ForgetStream() {
    const std::lock_guard lock(mutex_);
    std::erase_if(events_, [](const Event& event) {
      return !std::holds_alternative<event::Looked>(event) &&
             !std::holds_alternative<event::Heard>(event);
    });
  }

  // Readable when Take has something; for poll(2).
  int descriptor() const { return wake_.get(); }

 private:
  Descriptor wake_;
  std::mutex mutex_;
  std::deque<Event> events_;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_MAILBOX_H_
