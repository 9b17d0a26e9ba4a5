#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include "agent/look.h"
#include "bench.h"
#include "collectors/channel.h"
#include "collectors/cycle.h"
#include "floor.h"
#include "folder.h"
#include "measure.h"
#include "program.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using std::chrono::milliseconds;

constexpr double kFirstTarget = 0.9, kUnchangedTarget = 0.040;

// A file that changed less than a second ago is read again, as its times could
// not show another change.
void LetSettle() { std::this_thread::sleep_for(milliseconds(1200)); }

struct Costs {
  std::vector<double> wall, cpu;
  void Add(const Cost& cost) {
    wall.push_back(cost.wall);
    cpu.push_back(cost.cpu);
  }
  std::string Wall() const { return ShowSeconds(Median(wall)); }
  std::string Cpu() const { return ShowSeconds(Median(cpu)); }
};

Costs Floor(int times, Read (*read)(), Read& last) {
  Costs costs;
  for (int i = 0; i < times; ++i) {
    const Stopwatch watch;
    last = read();
    costs.Add(watch.Read());
  }
  return costs;
}

// Looks `times` times through the running program. Its processor time is
// counted in ticks, so that of all looks together is divided.
absl::StatusOr<Cost> Look(const Program& program, const std::string& socket,
                          int times) {
  const double before = CpuOf(program.pid());
  const Stopwatch watch;
  for (int i = 0; i < times; ++i)
    RETURN_IF_ERROR(
        Ask(socket, {.mask = AllTables()}, std::chrono::seconds(30)).status());
  return Cost{watch.Read().wall / times,
              (CpuOf(program.pid()) - before) / times};
}

absl::Status Looks(const BenchOptions& options, const Folder& folder,
                   Report& report) {
  Costs first, unchanged;
  int64_t peak = 0, rest = 0;
  for (int round = 0; round < options.rounds; ++round) {
    const std::string socket = folder / fmt::format("collect-{}", round);
    ASSIGN_OR_RETURN(
        const Program program,
        StartCollect(options.programs, socket, folder / "collect.log"));
    ASSIGN_OR_RETURN(const Cost cold, Look(program, socket, 1));
    first.Add(cold);
    LetSettle();
    RETURN_IF_ERROR(Look(program, socket, 1).status());
    ASSIGN_OR_RETURN(const Cost warm, Look(program, socket, options.cycles));
    unchanged.Add(warm);
    peak = StatusKib(program.pid(), "VmHWM");
    rest = StatusKib(program.pid(), "VmRSS");
  }
  Read read, seen;
  const Costs floor = Floor(options.rounds, ReadSources, read);
  const Costs stats = Floor(options.cycles, StatSources, seen);
  const double cold = Median(first.cpu), warm = Median(unchanged.cpu);
  report.Add({"first full look, CPU", ShowSeconds(cold),
              fmt::format("wall {}; floor: CPU {}, wall {} for {} files and "
                          "links, {:.0f} MB; {:.1f} times the floor",
                          first.Wall(), floor.Cpu(), floor.Wall(),
                          ShowCount(read.files), read.bytes / 1e6,
                          cold / Median(floor.cpu)),
              "at most 0.9 s", cold <= kFirstTarget});
  report.Add({"unchanged look, CPU", ShowSeconds(warm),
              fmt::format("wall {}; floor, which only asks when {} files "
                          "changed: CPU {}, wall {}; {:.1f} times the floor",
                          unchanged.Wall(), ShowCount(seen.files), stats.Cpu(),
                          stats.Wall(), warm / Median(stats.cpu)),
              "at most 40 ms", warm <= kUnchangedTarget});
  report.Add({"metsuke-collect, peak of resident memory", ShowKib(peak),
              fmt::format("{} between looks; the processes that run "
                          "collectors are not in it",
                          ShowKib(rest))});
  return absl::OkStatus();
}

// What each table costs by itself, at first and again.
void Tables(const BenchOptions& options, Report& report) {
  const Host host("/");
  const std::span<const Collector> collectors = AllCollectors();
  double live = 0;
  for (const Collector& collector : collectors) {
    Cycle cycle(host, collectors);
    const uint64_t bit = TableBit(collector.table);
    const Stopwatch cold;
    cycle.Look(bit);
    const Cost first = cold.Read();
    cycle.Look(bit);
    const uint64_t runs = cycle.runs();
    const Stopwatch warm;
    for (int i = 0; i < options.cycles; ++i) cycle.Look(bit);
    const Cost again = warm.Read();
    if (cycle.runs() > runs) live += again.cpu / options.cycles;
    report.Add(
        {fmt::format("`{}`", collector.table), ShowSeconds(first.cpu),
         fmt::format("unchanged {}; ran in {} of {} looks",
                     ShowSeconds(again.cpu / options.cycles),
                     cycle.runs() - runs, options.cycles)});
  }
  report.Note(fmt::format(
      "Collectors that run again read what has no time of change: processes, "
      "sockets, the kernel's parameters, buses. Together they take {}, a "
      "process for each included.",
      ShowSeconds(live)));
}

}  // namespace

absl::Status BenchCollect(const BenchOptions& options, Report& report) {
  const Folder folder;
  report.Section(
      "Collection",
      fmt::format("metsuke-collect looks at all tables of this machine, as a "
                  "new process and then {} times with nothing changed; medians "
                  "of {} rounds, with children. The floor reads the same "
                  "sources and does nothing with them. Files are in the page "
                  "cache in either case.",
                  options.cycles, options.rounds));
  RETURN_IF_ERROR(Looks(options, folder, report));
  report.Section("Collection by table",
                 "CPU of the first look at one table, by itself and with the "
                 "process it runs in.");
  Tables(options, report);
  return absl::OkStatus();
}

}  // namespace metsuke
