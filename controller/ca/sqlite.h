// SQLite as far as the ledger needs it.

#ifndef METSUKE_CONTROLLER_CA_SQLITE_H_
#define METSUKE_CONTROLLER_CA_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke::ca {

// What SQLite last complained about.
absl::Status SqliteError(sqlite3* db);

// Runs statements that return nothing.
absl::Status Execute(sqlite3* db, const char* sql);

// One statement. Values are bound in the order they are given; what goes wrong
// on the way is returned by the next Step.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql);
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Text(std::string_view value);
  Statement& Blob(std::string_view value);
  Statement& Number(int64_t value);

  // Whether there is a row, the next one.
  absl::StatusOr<bool> Step();

  // Columns of that row, from 0.
  std::string Bytes(int column) const;
  int64_t Integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int result_;
};

}  // namespace metsuke::ca

#endif  // METSUKE_CONTROLLER_CA_SQLITE_H_
