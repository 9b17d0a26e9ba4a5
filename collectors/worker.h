// A child process that runs collectors one after the other. Whatever one of
// them meets on a host, a crash, an endless loop or a system call that never
// returns, costs its own table alone: what was answered before stands, and what
// had not begun is for another child. Several share a child because making one
// costs more than most collectors do.

#ifndef METSUKE_COLLECTORS_WORKER_H_
#define METSUKE_COLLECTORS_WORKER_H_

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/collector.h"
#include "collectors/descriptor.h"
#include "collectors/host.h"
#include "proto/collect.pb.h"

namespace metsuke {

// What one collector may use. Its time is longer than that of any program, so
// that a program that hangs is reported as that.
struct WorkerLimits {
  std::chrono::milliseconds deadline = kLongestRun + std::chrono::seconds(5);
  // CPU seconds are the deadline, rounded up.
  size_t address_space = 512u << 20;  // bytes; 0 sets no limit
  // Of the programs it runs: interpreters map more than they use.
  size_t program_address_space = 2048u << 20;
};

class Worker {
 public:
  using Clock = std::chrono::steady_clock;
  using Batch = std::deque<const Collector*>;
  using Answer = std::pair<const Collector*, v1::Outcome>;
  using Run = std::function<v1::Outcome(const Collector&)>;

  // Forks; the child calls `run` for each of the batch. It dies with the
  // calling thread.
  static absl::StatusOr<Worker> Start(Batch batch, const WorkerLimits& limits,
                                      const Run& run);
  Worker(Worker&& other) noexcept;
  Worker& operator=(Worker&&) = delete;
  // Kills the child unless it is finished.
  ~Worker();

  // Becomes readable when Receive has something to do.
  int fd() const { return pipe_.get(); }
  // When the collector at work began, and when it is too late for it.
  Clock::time_point began() const { return began_; }
  Clock::time_point until() const { return began_ + limits_.deadline; }

  // What has been answered since the last call.
  std::vector<Answer> Receive();

  // Whether nothing more will come.
  bool Ended() const { return ended_ || queue_.empty(); }

  // Ends the child. If a collector was at work, that is the outcome of it.
  std::optional<Answer> Finish();

  // After Finish: the child, if it still is there, and else 0. It sleeps in the
  // kernel, on a dead disk, where no signal reaches it; it is the caller's to
  // wait for.
  pid_t stuck() const { return stuck_; }

  // The collectors that have not begun; of use after Finish.
  const Batch& Rest() const { return queue_; }

 private:
  Worker(pid_t child, Descriptor pipe, Batch batch, const WorkerLimits& limits);
  bool TakeOne(std::vector<Answer>& answers);
  absl::Status HowItEnded(int status) const;

  pid_t child_;
  pid_t stuck_ = 0;
  Descriptor pipe_;
  Batch queue_;  // the first is at work
  WorkerLimits limits_;
  Clock::time_point began_;
  std::string received_;
  bool ended_ = false;
  bool too_much_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_WORKER_H_
