#include "controller/judge/sandbox.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "controller/judge/functions.h"
#include "controller/judge/select_list.h"
#include "proto/canonical.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

// Steps between two looks at the limits. One step may add a string of
// kMaxText, so this also bounds how far memory is overrun.
constexpr int kStepsPerLook = 200;
constexpr int kMaxText = 1 << 20;

// Limits of https://sqlite.org/limits.html; planning is not covered by the
// progress handler, so what makes it long is kept small.
constexpr std::pair<int, int> kLimits[] = {
    {SQLITE_LIMIT_LENGTH, kMaxText},
    {SQLITE_LIMIT_SQL_LENGTH, 64 << 10},
    {SQLITE_LIMIT_COLUMN, 200},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 50},
    {SQLITE_LIMIT_VDBE_OP, 100'000},
    {SQLITE_LIMIT_FUNCTION_ARG, 32},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 200},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    {SQLITE_LIMIT_WORKER_THREADS, 0}};

// What the authorizer of one query knows and notes.
struct Warden {
  const std::map<std::string, std::vector<std::string>>& tables;
  Access& access;
  // Why it said no; empty when it did not.
  std::string refusal;

  int Refuse(const std::string& why) {
    if (refusal.empty()) refusal = why;
    return SQLITE_DENY;
  }

  // SQLite asks once per column, and with an empty column for a table of
  // which no column is used; then the name of a WITH clause comes here too.
  int Read(const std::string& table, const std::string& column) {
    if (const auto found = tables.find(table); found != tables.end()) {
      std::set<std::string>& columns = access.reads[table];
      // The number of a row is its place among the rows, which lie in the
      // order of all their values.
      if (column == "rowid")
        columns.insert(found->second.begin(), found->second.end());
      else if (!column.empty())
        columns.insert(column);
      return SQLITE_OK;
    }
    if (table == "json_each" || table == "json_tree") return SQLITE_OK;
    if (column.empty() && !table.starts_with("sqlite_") &&
        !table.starts_with("pragma_"))
      return SQLITE_OK;
    return Refuse("no such table: " + table);
  }

  int Call(const std::string& function) {
    if (!FunctionAllowed(function))
      return Refuse(fmt::format("the function {}() is not allowed", function));
    access.time |= FunctionAsksTime(function);
    return SQLITE_OK;
  }
};

int Authorize(void* context, int action, const char* first, const char* second,
              const char*, const char*) {
  auto& warden = *static_cast<Warden*>(context);
  const auto text = [](const char* s) {
    return absl::AsciiStrToLower(s == nullptr ? "" : s);
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      return warden.Read(text(first), text(second));
    case SQLITE_FUNCTION:
      return warden.Call(text(second));
    default:
      return warden.Refuse("only SELECT is allowed");
  }
}

// What the progress handler of one query knows and notes.
struct Watch {
  const QueryLimits& limits;
  uint64_t steps = 0;
  Clock::time_point end = Clock::now() + limits.time;
  sqlite3_int64 memory =
      sqlite3_memory_used() + static_cast<sqlite3_int64>(limits.memory_bytes);
  // Which limit was reached; empty when none was.
  std::string reached;
  absl::StatusCode code = absl::StatusCode::kOk;

  bool Stop() {
    steps += kStepsPerLook;
    if (steps > limits.steps)
      Reach(absl::StatusCode::kResourceExhausted,
            fmt::format("more than {} steps", limits.steps));
    else if (sqlite3_memory_used() > memory)
      Reach(absl::StatusCode::kUnavailable,
            fmt::format("more than {} bytes", limits.memory_bytes));
    else if (Clock::now() > end)
      Reach(absl::StatusCode::kDeadlineExceeded,
            fmt::format("more than {} ms", limits.time.count()));
    return code != absl::StatusCode::kOk;
  }

 private:
  void Reach(absl::StatusCode limit, std::string what) {
    code = limit;
    reached = std::move(what);
  }
};

// The word after `prefix` in `text`, without a table in front of it.
std::string WordAfter(const std::string& text, std::string_view prefix) {
  const size_t at = text.find(prefix);
  if (at == std::string::npos) return "";
  std::string word = text.substr(at + prefix.size());
  const size_t dot = word.rfind('.');
  return dot == std::string::npos ? word : word.substr(dot + 1);
}

Cell Column(sqlite3_stmt* statement, int c) {
  const auto bytes = [&](const void* data) {
    return std::string_view(static_cast<const char*>(data),
                            sqlite3_column_bytes(statement, c));
  };
  switch (sqlite3_column_type(statement, c)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, c);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, c);
    case SQLITE_BLOB:
      return HostText(Hex(bytes(sqlite3_column_blob(statement, c))));
    default:
      return HostText(ToUtf8(bytes(sqlite3_column_text(statement, c))));
  }
}

absl::Status Refused(const std::string& why) {
  return absl::InvalidArgumentError(why);
}

}  // namespace

v1::Row ToRow(const Row& row) {
  v1::Row message;
  for (const Cell& cell : row) {
    v1::Cell& to = *message.add_cells();
    if (const auto* integer = std::get_if<int64_t>(&cell))
      to.set_integer(*integer);
    else if (const auto* real = std::get_if<double>(&cell))
      to.set_real(*real);
    else if (const auto* text = std::get_if<HostText>(&cell))
      to.set_text(text->raw());
  }
  return message;
}

v1::RowSet ToRowSet(const Rows& rows) {
  v1::RowSet message;
  for (const std::string& column : rows.columns) message.add_columns(column);
  for (const Row& row : rows.rows) *message.add_rows() = ToRow(row);
  message.set_omitted(rows.omitted);
  return message;
}

size_t Size(const Row& row) {
  size_t size = sizeof(row);
  for (const Cell& cell : row) {
    const auto* text = std::get_if<HostText>(&cell);
    size += sizeof(cell) + (text == nullptr ? 0 : text->raw().size());
  }
  return size;
}

size_t Size(const Rows& rows) {
  size_t size = sizeof(rows);
  for (const Row& row : rows.rows) size += Size(row);
  return size;
}

absl::StatusOr<Sandbox> Sandbox::Open() {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
      ":memory:", &raw,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  Sandbox sandbox(Db(raw, sqlite3_close_v2));
  if (code != SQLITE_OK) return absl::InternalError("cannot open SQLite");
  for (const auto& [limit, value] : kLimits) sqlite3_limit(raw, limit, value);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Otherwise a misspelt "column" in double quotes would be a text.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  const char* modules[] = {"json_each", "json_tree", nullptr};
  sqlite3_drop_modules(raw, modules);
  if (!AddFunctions(raw, sandbox.now_.get()))
    return absl::InternalError("SQLite refused a function");
  RETURN_IF_ERROR(sandbox.Execute("PRAGMA temp_store = MEMORY"));
  // The first use of a virtual table asks the authorizer for UPDATE, so it
  // must be before there is one.
  RETURN_IF_ERROR(sandbox.Execute(
      "SELECT 1 FROM json_each('[]') UNION SELECT 1 FROM json_tree('[]')"));
  return sandbox;
}

absl::Status Sandbox::CreateTable(const std::string& table,
                                  const std::vector<std::string>& columns) {
  RETURN_IF_ERROR(Execute(
      fmt::format("CREATE TABLE \"{}\"({})", table, fmt::join(columns, ", "))));
  ASSIGN_OR_RETURN(const Statement all,
                   Prepare(fmt::format("SELECT * FROM \"{}\"", table)));
  for (int c = 0; c < sqlite3_column_count(all.get()); ++c)
    tables_[table].push_back(sqlite3_column_name(all.get(), c));
  return absl::OkStatus();
}

absl::Status Sandbox::Execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr))
    return absl::InternalError(sqlite3_errmsg(db_.get()));
  return absl::OkStatus();
}

absl::StatusOr<Sandbox::Statement> Sandbox::Prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &raw, nullptr))
    return absl::InternalError(sqlite3_errmsg(db_.get()));
  return Statement(raw, sqlite3_finalize);
}

std::string Sandbox::Suggestion(const std::string& error,
                                const std::string& sql) const {
  std::vector<std::string> names;
  if (const std::string table = WordAfter(error, "no such table: ");
      !table.empty()) {
    for (const auto& [name, columns] : tables_) names.push_back(name);
    return DidYouMean(table, names);
  }
  if (const std::string function = WordAfter(error, "no such function: ");
      !function.empty())
    return DidYouMean(function, FunctionNames());
  const std::string column = WordAfter(error, "no such column: ");
  const std::string lower = absl::AsciiStrToLower(sql);
  for (const auto& [name, columns] : tables_)
    if (lower.find(name) != std::string::npos)
      names.insert(names.end(), columns.begin(), columns.end());
  return DidYouMean(column, names);
}

absl::StatusOr<Sandbox::Statement> Sandbox::PrepareSelect(
    const std::string& sql, Access& access) {
  if (sql.find('\0') != std::string::npos)
    return Refused("the query has a NUL in it");
  sqlite3* db = db_.get();
  sqlite3_stmt *raw = nullptr, *second = nullptr;
  const char* tail = nullptr;
  Warden warden{tables_, access, {}};
  sqlite3_set_authorizer(db, Authorize, &warden);
  int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &raw, &tail);
  const std::string error = sqlite3_errmsg(db);
  Statement statement(raw, sqlite3_finalize);
  // Blanks and comments may follow, nothing else.
  if (code == SQLITE_OK && raw != nullptr)
    code = sqlite3_prepare_v2(db, tail, -1, &second, nullptr);
  const bool more = raw != nullptr && (code != SQLITE_OK || second != nullptr);
  sqlite3_finalize(second);
  sqlite3_set_authorizer(db, nullptr, nullptr);

  if (more) return Refused("more than one statement");
  const std::string why = warden.refusal.empty() ? error : warden.refusal;
  if (code != SQLITE_OK || !warden.refusal.empty())
    return Refused(why + Suggestion(why, sql));
  if (raw == nullptr) return Refused("the query is empty");
  if (sqlite3_column_count(raw) == 0 || !sqlite3_stmt_readonly(raw) ||
      sqlite3_stmt_isexplain(raw))
    return Refused("only SELECT is allowed");
  for (int c = 0; c < sqlite3_column_count(raw); ++c)
    access.columns.push_back(sqlite3_column_name(raw, c));
  return statement;
}

absl::StatusOr<Access> Sandbox::Compile(const std::string& sql) {
  Access access;
  RETURN_IF_ERROR(PrepareSelect(sql, access).status());
  if (JoinsByName(sql))
    for (auto& [table, columns] : access.reads)
      columns.insert(tables_.at(table).begin(), tables_.at(table).end());
  access.decides = access.reads;
  Access bare;
  if (const auto without = WithoutList(sql);
      without && !JoinsByName(sql) && PrepareSelect(*without, bare).ok())
    access.decides = std::move(bare.reads);
  return access;
}

absl::StatusOr<Rows> Sandbox::Query(const std::string& sql, int64_t now,
                                    const QueryLimits& limits) {
  Access access;
  *now_ = now;
  ASSIGN_OR_RETURN(const Statement statement, PrepareSelect(sql, access));
  Rows result{.columns = std::move(access.columns)};
  const int width = static_cast<int>(result.columns.size());
  Watch watch{limits};
  sqlite3_progress_handler(
      db_.get(), kStepsPerLook,
      [](void* w) -> int { return static_cast<Watch*>(w)->Stop(); }, &watch);
  size_t kept = 0;
  int code;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    if (result.rows.size() >= limits.rows || kept >= limits.bytes) {
      ++result.omitted;
      continue;
    }
    Row& row = result.rows.emplace_back();
    for (int c = 0; c < width; ++c) row.push_back(Column(statement.get(), c));
    kept += Size(row);
  }
  sqlite3_progress_handler(db_.get(), 0, nullptr, nullptr);
  if (watch.code != absl::StatusCode::kOk)
    return absl::Status(watch.code,
                        "the query was stopped: it takes " + watch.reached);
  if (code == SQLITE_NOMEM) return absl::UnavailableError("out of memory");
  if (code != SQLITE_DONE) return Refused(sqlite3_errmsg(db_.get()));
  return result;
}

}  // namespace metsuke
