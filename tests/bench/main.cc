// metsuke-bench: measures, and prints docs/benchmarks.md on standard output.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <set>

#include "bench.h"
#include "collectors/cycle.h"
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
  std::set<std::string> only;
  CLI::App app("Measures Metsuke and prints the figures as Markdown");
  app.add_option("--only", only, "Some of collect,footprint,sync,judge,fleet")
      ->delimiter(',')
      ->check(CLI::IsMember({"collect", "footprint", "sync", "judge", "fleet"}));
  app.add_option("--cycles", options.cycles, "Unchanged looks at this machine")
      ->check(CLI::PositiveNumber);
  app.add_option("--connections", options.connections, "Streams of heartbeats")
      ->check(CLI::Range(1, 900));
  app.add_option("--messages", options.messages, "Heartbeats on each")
      ->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds, "Repetitions; medians are shown")
      ->check(CLI::PositiveNumber);
  app.add_option("--hosts", options.hosts, "Sizes of fleets")->delimiter(',');
  app.add_option("--distinct", options.distinct, "States in a fleet")
      ->check(CLI::PositiveNumber);
  app.add_option("--named", options.named,
                 "Size of a fleet whose hosts have names of their own");
  CLI11_PARSE(app, argc, argv);
  const std::string machine = ThisMachine();
  Report report;
  absl::Status status = HardenTls();
  if (status.ok()) status = Measure(options, only, report);
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
