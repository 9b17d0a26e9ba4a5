// An in-memory SQLite database in which a stranger's SELECT may run. What the
// query may do is listed, not what it may not: read known tables and call
// known functions, within bounds of work, time and size. What it reads is
// told, so that whoever judges knows what the answer rests on.

#ifndef METSUKE_CONTROLLER_JUDGE_SANDBOX_H_
#define METSUKE_CONTROLLER_JUDGE_SANDBOX_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/host_text.h"
#include "proto/operator.pb.h"

struct sqlite3;
struct sqlite3_stmt;

namespace metsuke {

// NULL, an integer, a floating-point number or text. Text is the host's, as
// nobody can tell what of it the query wrote.
using Cell = std::variant<std::monostate, int64_t, double, HostText>;
using Row = std::vector<Cell>;

// Rows that a query returned.
struct Rows {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  // Rows left out because there were too many.
  uint64_t omitted = 0;
};

// `rows` as operators get them.
v1::RowSet ToRowSet(const Rows& rows);
v1::Row ToRow(const Row& row);

// Bytes `rows` hold, roughly.
size_t Size(const Rows& rows);
size_t Size(const Row& row);

// Tables with columns of them.
using Reads = std::map<std::string, std::set<std::string>>;

// What a query rests on.
struct Access {
  // Known tables it reads, also those that had no rows, with the columns whose
  // values it uses; none where only the number of rows counts.
  Reads reads;
  // The same, without the columns that it only shows: whether it returns a row
  // at all depends on these.
  Reads decides;
  // Whether it asks what time it is: now() or days_since().
  bool time = false;
  // Names of the columns it returns.
  std::vector<std::string> columns;
};

// Where a query is stopped. Steps end it with ResourceExhausted, wherever it
// runs; time with DeadlineExceeded and memory with Unavailable, which depend
// on what else the machine does. Rows and bytes only count what is left out.
struct QueryLimits {
  // Instructions of SQLite's virtual machine; some 100 million a second.
  uint64_t steps = 50'000'000;
  std::chrono::milliseconds time{5000};
  // Memory of all of SQLite that may be added while the query runs.
  size_t memory_bytes = 256 << 20;
  size_t rows = 10'000;
  // Of the rows that are kept.
  size_t bytes = 8 << 20;
};

// For one thread at a time.
class Sandbox {
 public:
  static absl::StatusOr<Sandbox> Open();

  Sandbox(Sandbox&&) = default;
  Sandbox& operator=(Sandbox&&) = default;

  // Makes an empty table that queries may read. `columns` are definitions.
  absl::Status CreateTable(const std::string& table,
                           const std::vector<std::string>& columns);

  // Runs a statement of ours, unbounded, without a result.
  absl::Status Execute(const std::string& sql);

  // Compiles a statement of ours; it must not outlive the sandbox.
  using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;
  absl::StatusOr<Statement> Prepare(const std::string& sql);

  // What the SELECT would read and return. InvalidArgument when it is not one
  // SELECT, asks for what it may not have, or names something that is not
  // there; then the nearest name is suggested.
  absl::StatusOr<Access> Compile(const std::string& sql);

  // Runs the SELECT at the instant `now`. Errors as Compile and QueryLimits
  // say, and InvalidArgument for one that fails while it runs.
  absl::StatusOr<Rows> Query(const std::string& sql, int64_t now,
                             const QueryLimits& limits = {});

 private:
  using Db = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;
  explicit Sandbox(Db db)
      : now_(std::make_unique<int64_t>(0)), db_(std::move(db)) {}
  absl::StatusOr<Statement> PrepareSelect(const std::string& sql,
                                          Access& access);
  std::string Suggestion(const std::string& error,
                         const std::string& sql) const;

  // Tables that queries may read, with their columns.
  std::map<std::string, std::vector<std::string>> tables_;
  // Where the SQL function now() looks.
  std::unique_ptr<int64_t> now_;
  Db db_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_SANDBOX_H_
