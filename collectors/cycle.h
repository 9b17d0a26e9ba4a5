// Looking at a host again and again: which collectors must run, away from this
// process, and what all of them found.

#ifndef METSUKE_COLLECTORS_CYCLE_H_
#define METSUKE_COLLECTORS_CYCLE_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host.h"
#include "collectors/event_position.h"
#include "collectors/worker.h"
#include "proto/collect.pb.h"

namespace metsuke {

struct CycleOptions {
  // Run collectors in this process, without limits: for tests and fuzzing.
  bool in_process = false;
  // What each collector may use.
  WorkerLimits limits;
  // A collector that could not be started this long after the beginning of
  // the cycle is left out, and its row of `collections` says so.
  std::chrono::milliseconds budget{15'000};
  // Children that run collectors at the same time.
  size_t jobs = 2;
  // Bytes all tables may have together. The largest are left out until they
  // do, and `collections` says so. The controller takes 16 MiB of compressed
  // tables from a host, and this is below it if none of it can be compressed.
  size_t most_bytes = 15 << 20;
};

// The mask that asks for `table`, a name of the schema: the bit with the
// number of its field. 0 when the schema has no such table.
uint64_t TableBit(std::string_view table);

class Cycle {
 public:
  // `host` and what `collectors` refers to must outlive the Cycle.
  Cycle(const Host& host, std::span<const Collector> collectors,
        CycleOptions options = {});

  // The tables of `mask`, as they are now. Collectors whose inputs have not
  // changed since they last ran are not run. `collections` and `gaps` always
  // come along and speak of every table looked at so far, so that asking for
  // less does not change them. Bits without a table are ignored. Takes at most
  // the budget and one deadline, whatever the file systems do: also whether
  // inputs have changed is looked at in a child.
  v1::Collected Look(uint64_t mask);

  // What happened after the records at `from`, read in children as well, one
  // for each recorder, so that neither keeps the other from being read; `now`
  // is in seconds since 1970-01-01 UTC. Sets `heard` and `audit`.
  void Hear(const EventPosition& from, int64_t now, v1::Collected& collected);

  // How many collectors Look has run, in all.
  uint64_t runs() const { return runs_; }

 private:
  // A child that not even SIGKILL has ended, and the table it was at, or which
  // recorder it read.
  struct Stuck {
    pid_t child;
    int table;
  };

  bool IsStuck(const Collector& collector) const;
  void Run(const std::vector<const Collector*>& asked);
  void RunIsolated(const std::vector<const Collector*>& asked);
  void Begin(Worker::Batch batch, Worker::Clock::time_point last_start,
             std::deque<Worker>& workers);
  void End(Worker& worker);
  v1::Outcome RunIfChanged(const Collector& collector) const;
  void Keep(const Collector& collector, v1::Outcome outcome);
  v1::Heard HearAlone(int number,
                      const std::function<absl::StatusOr<v1::Heard>()>& hear);
  v1::Outcome RunAlone(int number, const Worker::Run& run);
  void LeaveOutTheLargest();
  v1::Collected Gather(uint64_t mask) const;

  const Host& host_;
  const std::span<const Collector> collectors_;
  const CycleOptions options_;
  // By the number of the table's field.
  std::map<int, v1::Outcome> last_;
  std::vector<Stuck> stuck_;
  uint64_t runs_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_CYCLE_H_
