// What people wait for: metsukectl itself, from its start to its end.

#ifndef METSUKE_TESTS_BENCH_COMMAND_BENCH_H_
#define METSUKE_TESTS_BENCH_COMMAND_BENCH_H_

#include <string>

#include "absl/status/status.h"
#include "folder.h"
#include "report.h"

namespace metsuke {

// What is asked, and of whom.
struct Commands {
  std::string program;        // metsukectl
  std::string configuration;  // its file
  std::string fleet;          // what the figures call it
  std::string host;           // one of the fleet
  int rounds;
  // Whether the commands of every day have the target of a fleet of a thousand.
  bool targeted;
};

// Runs each command `rounds` times and adds the median. An error when one
// fails, or says nothing where there is something to say.
absl::Status BenchCommands(const Commands& commands, const Folder& folder,
                           Report& report);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_COMMAND_BENCH_H_
