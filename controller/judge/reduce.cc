#include "controller/judge/reduce.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kMaxBytes = 256 << 20;
// The rows are the fleet's, and an operator waits for them.
constexpr QueryLimits kLimits{.steps = 5'000'000'000,
                              .time = std::chrono::seconds(30),
                              .memory_bytes = 512 << 20,
                              .rows = 1'000'000,
                              .bytes = kMaxBytes};

void Bind(sqlite3_stmt* statement, int index, const Cell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell))
    sqlite3_bind_int64(statement, index, *integer);
  else if (const auto* real = std::get_if<double>(&cell))
    sqlite3_bind_double(statement, index, *real);
  else if (const auto* text = std::get_if<HostText>(&cell))
    sqlite3_bind_text64(statement, index, text->raw().data(),
                        text->raw().size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

// A column may be called anything, also `count(*)` or `a"b`.
std::string Quoted(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace

absl::StatusOr<Reducer> Reducer::Open(const std::vector<std::string>& columns) {
  ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Open());
  std::vector<std::string> definitions;
  for (const std::string& column : columns)
    definitions.push_back(Quoted(column));
  if (const absl::Status status = sandbox.CreateTable("rows", definitions);
      !status.ok())
    return absl::InvalidArgumentError(Message(status) +
                                      "; give each column a name by AS");
  const std::vector<std::string> marks(columns.size(), "?");
  ASSIGN_OR_RETURN(Sandbox::Statement insert,
                   sandbox.Prepare(fmt::format("INSERT INTO rows VALUES({})",
                                               fmt::join(marks, ", "))));
  return Reducer(std::move(sandbox), std::move(insert));
}

absl::Status Reducer::Add(const Row& row) {
  bytes_ += Size(row);
  if (bytes_ > kMaxBytes)
    return absl::ResourceExhaustedError(fmt::format(
        "the rows of all hosts are more than {} bytes; let the first query "
        "select less",
        kMaxBytes));
  for (size_t c = 0; c < row.size(); ++c)
    Bind(insert_.get(), static_cast<int>(c) + 1, row[c]);
  const int code = sqlite3_step(insert_.get());
  sqlite3_reset(insert_.get());
  sqlite3_clear_bindings(insert_.get());
  if (code == SQLITE_DONE) return absl::OkStatus();
  return absl::InternalError(std::string("rows: ") + sqlite3_errstr(code));
}

absl::StatusOr<Rows> Reducer::Query(const std::string& sql, int64_t now) {
  return sandbox_.Query(sql, now, kLimits);
}

}  // namespace metsuke
