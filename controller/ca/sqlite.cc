#include "controller/ca/sqlite.h"

#include <fmt/format.h>

namespace metsuke::ca {

absl::Status SqliteError(sqlite3* db) {
  const int code = sqlite3_errcode(db);
  const std::string text = fmt::format("ca.db: {}", sqlite3_errmsg(db));
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    return absl::UnavailableError(text);
  if (code == SQLITE_FULL) return absl::ResourceExhaustedError(text);
  return absl::InternalError(text);
}

absl::Status Execute(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK)
    return absl::OkStatus();
  return SqliteError(db);
}

Statement::Statement(sqlite3* db, const char* sql)
    : db_(db), result_(sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr)) {}

Statement& Statement::Text(std::string_view value) {
  if (result_ == SQLITE_OK)
    result_ = sqlite3_bind_text64(statement_, ++bound_, value.data(),
                                  value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::Blob(std::string_view value) {
  if (result_ == SQLITE_OK)
    result_ = sqlite3_bind_blob64(statement_, ++bound_, value.data(),
                                  value.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::Number(int64_t value) {
  if (result_ == SQLITE_OK)
    result_ = sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  if (result_ != SQLITE_OK) return SqliteError(db_);
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return SqliteError(db_);
  }
}

std::string Statement::Bytes(int column) const {
  const auto* bytes =
      static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? "" : std::string(bytes, static_cast<size_t>(size));
}

}  // namespace metsuke::ca
