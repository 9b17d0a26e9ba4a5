// metsuke-bench: measures, and prints docs/benchmarks.md on standard output.

#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "bench.h"
#include "collectors/cycle.h"
#include "proto/command_line.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/tls.h"

namespace metsuke {
namespace {

v1::Snapshot ThisHost() {
  const Host host("/");
  v1::Snapshot snapshot;
  Cycle cycle(host, AllCollectors());
  const v1::Collected collected = cycle.Look(~uint64_t{0});
  for (const v1::CollectedTable& table : collected.tables())
    snapshot.MergeFromString(table.canonical());
  return snapshot;
}

absl::Status Measure(const BenchOptions& options,
                     const std::set<std::string>& only, Report& report) {
  const auto wanted = [&](const char* name) {
    return only.empty() || only.contains(name);
  };
  // Collection first: what it forks is a copy of this process, which grows.
  if (wanted("collect")) RETURN_IF_ERROR(BenchCollect(options, report));
  if (wanted("events")) RETURN_IF_ERROR(BenchEvents(options, report));
  const v1::Snapshot host = ThisHost();
  if (wanted("footprint")) RETURN_IF_ERROR(BenchFootprint(options, report));
  if (wanted("sync")) RETURN_IF_ERROR(BenchSync(options, report));
  if (wanted("judge")) RETURN_IF_ERROR(BenchJudge(options, host, report));
  if (wanted("fleet")) RETURN_IF_ERROR(BenchFleet(options, host, report));
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  SetLogName("metsuke-bench");
  BenchOptions options{.programs = METSUKE_BINARY "/bin",
                       .baseline = METSUKE_SOURCE "/playbooks/baseline"};
  std::vector<std::string> only;
  CommandLine line("metsuke-bench",
                   "Measures Metsuke and prints the figures as Markdown.");
  line.Option("--only", only, "Some of collect,events,footprint,sync,judge,fleet")
      .SplitAtCommas()
      .OneOf({"collect", "events", "footprint", "sync", "judge", "fleet"});
  const int most = 1'000'000;
  line.Option("--cycles", options.cycles, "Unchanged looks at this machine")
      .Between(1, most);
  line.Option("--connections", options.connections, "Streams of heartbeats")
      .Between(1, 900);
  line.Option("--messages", options.messages, "Heartbeats on each")
      .Between(1, most);
  line.Option("--rounds", options.rounds, "Repetitions; medians are shown")
      .Between(1, most);
  line.Option("--hosts", options.hosts, "Sizes of fleets").SplitAtCommas();
  line.Option("--distinct", options.distinct, "States in a fleet")
      .Between(1, most);
  line.Option("--named", options.named,
              "Sizes of fleets whose hosts have names of their own")
      .SplitAtCommas();
  if (const auto code = line.Parse(argc, argv)) return *code;
  const std::string machine = ThisMachine();
  Report report;
  absl::Status status = HardenTls();
  if (status.ok()) status = Measure(options, {only.begin(), only.end()}, report);
  if (!status.ok()) {
    fmt::print(stderr, "metsuke-bench: {}\n", Message(status));
    return 1;
  }
  fmt::print("{}", report.Page(machine));
  return 0;
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) { return metsuke::Main(argc, argv); }
