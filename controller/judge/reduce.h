// The second half of a fleet query: all mapped rows as table `rows`.

#ifndef METSUKE_CONTROLLER_JUDGE_REDUCE_H_
#define METSUKE_CONTROLLER_JUDGE_REDUCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/sandbox.h"

namespace metsuke {

// For one thread at a time.
class Reducer {
 public:
  // An empty table `rows` with these columns, whose values keep their types.
  static absl::StatusOr<Reducer> Open(const std::vector<std::string>& columns);

  // Adds a row. ResourceExhausted when all are more than 256 MiB.
  absl::Status Add(const Row& row);

  // As in Sandbox.
  absl::StatusOr<Access> Compile(const std::string& sql) {
    return sandbox_.Compile(sql);
  }
  absl::StatusOr<Rows> Query(const std::string& sql, int64_t now);

 private:
  Reducer(Sandbox sandbox, Sandbox::Statement insert)
      : sandbox_(std::move(sandbox)), insert_(std::move(insert)) {}

  // In this order, so that the statement goes before its database.
  Sandbox sandbox_;
  Sandbox::Statement insert_;
  size_t bytes_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_REDUCE_H_
