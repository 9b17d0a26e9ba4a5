// Running a program that prints something.

#ifndef METSUKE_PROTO_RUN_H_
#define METSUKE_PROTO_RUN_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace metsuke {

// The longest a program may be given. Whoever waits for more than the program
// waits longer, so that one that hangs is told of by its name.
inline constexpr std::chrono::seconds kLongestRun{20};

// How a program is run.
struct RunOptions {
  // The group of the program is killed after this time; of a program that a
  // collector runs kLongestRun at most.
  std::chrono::milliseconds deadline{5000};
  // Bytes of standard output that are taken; more is ResourceExhausted.
  size_t cap = 1 << 20;
  // What it reads from standard input.
  std::string input;
  // For Host::Run alone: files and folders the program's answer depends on. It
  // is not run again while they are unchanged; with none it is run each time.
  std::vector<std::string> inputs;
  // Exit codes other than 0 that are no failure.
  std::vector<int> accepted_codes;
  // Whether what it prints on standard error follows in the answer, with a cap
  // of its own, for programs that say there what they found.
  bool with_errors = false;
  // Where it may put temporary files (TMPDIR); empty to say nothing of it.
  std::string temporary;
  // Whether the program may read every file of the host, as this process may
  // (CAP_DAC_READ_SEARCH). It has no other capability, and without this none.
  bool reads_everything = false;
};

// The bytes argv[0], an absolute path, prints on standard output. There is no
// shell, the environment is LC_ALL=C, PATH and what `options` say of TMPDIR
// alone, standard input is what they say, no descriptor is inherited and no
// capability but what they grant. It dies with the thread that calls. NotFound when it is not there,
// PermissionDenied when it may not be run, DeadlineExceeded when it took too
// long, ResourceExhausted when it printed too much, Unavailable when it failed,
// with the beginning of its standard error.
absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& argv,
                                       const RunOptions& options);

// The path of the program of ours called `name`: beside the running one, as in
// a build tree and in packages.
std::string OwnProgram(const std::string& name);

}  // namespace metsuke

#endif  // METSUKE_PROTO_RUN_H_
