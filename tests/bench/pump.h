// A client that sends one message again and again, as fast as flow control
// lets it, over a bidirectional stream of any service; and many of them. Bytes
// are made before, so that the client costs the same whatever it speaks to.

#ifndef METSUKE_TESTS_BENCH_PUMP_H_
#define METSUKE_TESTS_BENCH_PUMP_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "measure.h"
#include "proto/tls.h"

namespace metsuke {

// What one connection says.
struct Script {
  std::string first;    // is answered by one message
  std::string message;  // is sent `count` times
  int count = 0;
  std::string last;  // is sent at the end
  int replies = 0;   // how many messages come after the first answer
};

// The time from when all connections were answered once, which is not in it,
// until all of them had their replies and `settled` has returned.
absl::StatusOr<Cost> RunPumps(int port, const std::string& method,
                              const std::vector<Credential>& credentials,
                              const std::function<Script(int)>& script,
                              const std::function<absl::Status()>& settled);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_PUMP_H_
