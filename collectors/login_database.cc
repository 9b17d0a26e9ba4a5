#include "collectors/login_database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>

#include "proto/status.h"

namespace metsuke {
namespace {

absl::Status BadDatabase(sqlite3* database) {
  return absl::InvalidArgumentError(std::string("not a database of logins: ") +
                                    sqlite3_errmsg(database));
}

}  // namespace

absl::StatusOr<std::string> ReadLoginDatabase(const Host& host,
                                              const std::string& path) {
  constexpr size_t kMost = 64 << 20;
  ASSIGN_OR_RETURN(std::string bytes, host.ReadBytes(path, 0, kMost + 1));
  if (bytes.size() > kMost)
    return absl::ResourceExhaustedError("larger than 64 MiB");
  return bytes;
}

absl::Status QueryLoginDatabase(std::string bytes, const char* query,
                                const std::function<void(sqlite3_stmt*)>& row) {
  if (!bytes.starts_with(std::string_view("SQLite format 3\0", 16)) ||
      bytes.size() < 100)
    return absl::InvalidArgumentError("not an SQLite file");
  // A database in memory has no write-ahead log: SQLite opens it only when its
  // header (bytes 18 and 19 of the file format) says so.
  bytes[18] = bytes[19] = 1;
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(
      ":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw,
                                                             sqlite3_close);
  if (opened != SQLITE_OK) return BadDatabase(raw);
  // The host wrote the file: its schema must not be able to call anything, and
  // a damaged or hostile one must not take long.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 1 << 20);
  int budget = 200;
  sqlite3_progress_handler(
      raw, 100'000,
      [](void* left) -> int { return --*static_cast<int*>(left) < 0; },
      &budget);
  if (sqlite3_deserialize(
          raw, "main", reinterpret_cast<unsigned char*>(bytes.data()),
          bytes.size(), bytes.size(), SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
    return BadDatabase(raw);
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(raw, query, -1, &prepared, nullptr) != SQLITE_OK)
    return BadDatabase(raw);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(
      prepared, sqlite3_finalize);
  int step;
  while ((step = sqlite3_step(prepared)) == SQLITE_ROW) row(prepared);
  return step == SQLITE_DONE ? absl::OkStatus() : BadDatabase(raw);
}

}  // namespace metsuke
