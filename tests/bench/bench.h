// The benchmarks. Each adds its section to the report; an error means that
// something did not work, not that it was slow.

#ifndef METSUKE_TESTS_BENCH_BENCH_H_
#define METSUKE_TESTS_BENCH_BENCH_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/snapshot.pb.h"
#include "report.h"

namespace metsuke {

struct BenchOptions {
  std::string programs;  // folder of the programs
  std::string baseline;  // folder of the baseline's files
  int cycles = 20;       // unchanged looks at this host
  int connections = 50;
  int messages = 4000;  // on each connection
  int rounds = 3;
  std::vector<int> hosts{1000};
  int distinct = 200;  // states among them
  // Sizes of fleets whose hosts each have a name of their own.
  std::vector<int> named{};
};

// Looking at this machine, at first and when nothing changed.
absl::Status BenchCollect(const BenchOptions& options, Report& report);
// What happened, out of a journal of a day.
absl::Status BenchEvents(const BenchOptions& options, Report& report);
// Agent and collector at work: their memory.
absl::Status BenchFootprint(const BenchOptions& options, Report& report);
// Unchanged states beside messages that are only echoed.
absl::Status BenchSync(const BenchOptions& options, Report& report);
// One state against the baseline. `host` is what this machine looks like.
absl::Status BenchJudge(const BenchOptions& options, const v1::Snapshot& host,
                        Report& report);
// Posture and queries over many hosts made after `host`.
absl::Status BenchFleet(const BenchOptions& options, const v1::Snapshot& host,
                        Report& report);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_BENCH_H_
