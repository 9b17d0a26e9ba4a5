#include "command_bench.h"

#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>
#include <vector>

#include "absl/strings/str_split.h"
#include "measure.h"
#include "program.h"
#include "proto/file.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

constexpr double kTarget = 0.1;  // seconds

struct Command {
  std::string words;
  bool daily = false;
  // Whether a machine without SSH servers and logs has something to tell.
  bool speaks = true;
};

std::vector<Command> Asked(const std::string& host) {
  return {{"posture", true},
          {"posture " + host, true},
          {"host list", true},
          {"ssh who " + host, true, false},
          {"ssh who --from 203.0.113.9", true, false},
          {"logs " + host, true, false},
          {"events " + host, true, false},
          {"control explain ssh-no-password", true},
          {"report drift --day last", true},
          {"report drift --since 1h", true},
          {"report html --since 1h"},
          {"report metrics"},
          {"report junit"},
          {"report xccdf"},
          {"report ocsf"}};
}

// One run: how long it took and how much it said.
struct Run {
  double seconds;
  uintmax_t bytes;
};

absl::StatusOr<Run> RunOnce(const Commands& commands,
                            const std::string& words, const Folder& folder) {
  const std::string out = folder / "out";
  fs::remove(out);
  std::vector<std::string> argv{commands.program, "-c", commands.configuration};
  for (const auto word : absl::StrSplit(words, ' ')) argv.emplace_back(word);
  const Stopwatch watch;
  ASSIGN_OR_RETURN(Program program,
                   Program::Start(std::move(argv), out, /*as_agent=*/false));
  const int code = program.Wait();
  const Run run{watch.Read().wall, fs::file_size(out)};
  // Findings, and what is not complete, are answers.
  if (code != 0 && code != 2 && code != 3) {
    ASSIGN_OR_RETURN(const std::string said, ReadFile(out));
    return absl::InternalError(
        fmt::format("metsukectl {}: ended with {}: {}", words, code, said));
  }
  return run;
}

}  // namespace

absl::Status BenchCommands(const Commands& commands, const Folder& folder,
                           Report& report) {
  for (const Command& command : Asked(commands.host)) {
    std::vector<double> walls;
    uintmax_t bytes = 0;
    for (int round = 0; round < commands.rounds; ++round) {
      ASSIGN_OR_RETURN(const Run run, RunOnce(commands, command.words, folder));
      walls.push_back(run.seconds);
      bytes = run.bytes;
    }
    if (bytes == 0 && command.speaks)
      return absl::InternalError("metsukectl " + command.words +
                                 ": said nothing");
    const double wall = Median(walls);
    Figure figure{
        fmt::format("{}: `metsukectl {}`", commands.fleet, command.words),
        ShowSeconds(wall), fmt::format("{} bytes", ShowCount(bytes))};
    // To say nothing is quick.
    if (command.daily && commands.targeted && bytes > 0) {
      figure.target = "at most 100 ms";
      figure.reached = wall <= kTarget;
    }
    report.Add(std::move(figure));
  }
  return absl::OkStatus();
}

}  // namespace metsuke
