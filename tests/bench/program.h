// A program of the product that runs beside the benchmark.

#ifndef METSUKE_TESTS_BENCH_PROGRAM_H_
#define METSUKE_TESTS_BENCH_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace metsuke {

// The user the agent runs as: it refuses to be root.
uid_t AgentUid();

// Told to end, and waited for, when it goes out of scope.
class Program {
 public:
  // Starts it with its output in the file `log`; as AgentUid() without any
  // capability when `as_agent`.
  static absl::StatusOr<Program> Start(std::vector<std::string> argv,
                                       const std::string& log, bool as_agent);
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;
  ~Program();

  pid_t pid() const { return pid_; }
  // Waits for its own end; its exit code, -1 after a signal.
  int Wait();

 private:
  explicit Program(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

// metsuke-collect of `folder`, listening on `socket`.
absl::StatusOr<Program> StartCollect(const std::string& folder,
                                     const std::string& socket,
                                     const std::string& log);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_PROGRAM_H_
