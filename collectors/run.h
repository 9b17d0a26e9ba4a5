// Running a program that prints something.

#ifndef METSUKE_COLLECTORS_RUN_H_
#define METSUKE_COLLECTORS_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// The bytes argv[0], an absolute path, prints on standard output; as
// Host::Run, which says what the program sees and which errors there are. It
// dies with the thread that calls.
absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& argv,
                                       const RunOptions& options);

// The path of the program of ours called `name`: beside the running one, in a
// build tree or wherever the programs were put together; else where packages
// install it.
std::string OwnProgram(const std::string& name);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_RUN_H_
