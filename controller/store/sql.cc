#include "controller/store/sql.h"

#include <fmt/format.h>

#include <utility>

namespace metsuke {

absl::Status SqlError(sqlite3* handle, int code) {
  const std::string text =
      fmt::format("database: {} ({})",
                  handle != nullptr ? sqlite3_errmsg(handle) : "out of memory",
                  sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(text);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
      return absl::UnavailableError(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text);
    default:
      return absl::InternalError(text);
  }
}

Query::Query(Query&& other) noexcept
    : handle_(other.handle_),
      statement_(std::exchange(other.statement_, nullptr)),
      status_(std::move(other.status_)) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::Check(int code) {
  if (code != SQLITE_OK && status_.ok()) status_ = SqlError(handle_, code);
}

void Query::Bind(int index, int64_t value) {
  if (status_.ok()) Check(sqlite3_bind_int64(statement_, index, value));
}

void Query::Bind(int index, std::string_view value) {
  if (!status_.ok()) return;
  // A null pointer would bind NULL.
  const char* bytes = value.data() != nullptr ? value.data() : "";
  Check(sqlite3_bind_text64(statement_, index, bytes, value.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
}

void Query::Bind(int index, Blob value) {
  if (!status_.ok()) return;
  const char* bytes = value.bytes.data() != nullptr ? value.bytes.data() : "";
  Check(sqlite3_bind_blob64(statement_, index, bytes, value.bytes.size(),
                            SQLITE_STATIC));
}

void Query::Bind(int index, std::nullptr_t) {
  if (status_.ok()) Check(sqlite3_bind_null(statement_, index));
}

bool Query::Step() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Check(code);
  return false;
}

std::string_view Query::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

absl::StatusOr<Database> Database::Open(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  // One thread at a time uses a connection: no mutex of SQLite's own.
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return Annotate(SqlError(handle, code), path);
  sqlite3_extended_result_codes(handle, 1);
  return database;
}

Query Database::Prepare(Sql sql) {
  auto& statement = statements_[sql.text];
  absl::Status status;
  if (statement == nullptr) {
    sqlite3_stmt* fresh = nullptr;
    const int code =
        sqlite3_prepare_v3(handle_.get(), sql.text, -1,
                           SQLITE_PREPARE_PERSISTENT, &fresh, nullptr);
    statement.reset(fresh);
    if (code != SQLITE_OK) status = SqlError(handle_.get(), code);
  }
  return Query(handle_.get(), statement.get(), std::move(status));
}

absl::Status Database::ExecuteAll(Sql sql) {
  const int code =
      sqlite3_exec(handle_.get(), sql.text, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return SqlError(handle_.get(), code);
  return absl::OkStatus();
}

}  // namespace metsuke
