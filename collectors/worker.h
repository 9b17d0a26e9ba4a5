// A child process that runs one collector. Whatever a collector meets on a
// host, a crash, an endless loop or a system call that never returns costs its
// own table alone.

#ifndef METSUKE_COLLECTORS_WORKER_H_
#define METSUKE_COLLECTORS_WORKER_H_

#include <sys/types.h>

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "collectors/collector.h"
#include "collectors/descriptor.h"
#include "collectors/host.h"
#include "proto/collect.pb.h"

namespace metsuke {

// What one collector may use.
struct WorkerLimits {
  std::chrono::milliseconds deadline{10'000};  // and CPU seconds, rounded up
  size_t address_space = 512u << 20;           // bytes; 0 sets no limit
};

class Worker {
 public:
  using Clock = std::chrono::steady_clock;

  // Forks. The child dies with the calling thread.
  static absl::StatusOr<Worker> Start(const Host& host,
                                      const Collector& collector,
                                      const WorkerLimits& limits);
  Worker(Worker&& other) noexcept;
  Worker& operator=(Worker&&) = delete;
  // Kills the child unless it is finished.
  ~Worker();

  // Becomes readable when Receive has something to do.
  int fd() const { return pipe_.get(); }
  // When it is too late.
  Clock::time_point until() const { return until_; }

  // Takes what the child has sent. True when nothing more will come.
  bool Receive();

  // Ends the child, waits for it and tells what came of it. A child that has
  // not yet answered was too late.
  v1::Outcome Finish();

 private:
  Worker(pid_t child, Descriptor pipe, const WorkerLimits& limits);
  absl::Status HowItEnded(int status) const;

  pid_t child_;
  Descriptor pipe_;
  WorkerLimits limits_;
  Clock::time_point until_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_WORKER_H_
