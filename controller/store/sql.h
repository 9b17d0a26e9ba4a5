// SQLite behind two small classes. Statements are literals and values are
// bound, so nothing that came from outside can become SQL.

#ifndef METSUKE_CONTROLLER_STORE_SQL_H_
#define METSUKE_CONTROLLER_STORE_SQL_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/status.h"

namespace metsuke {

// A statement that stands in the program's text.
struct Sql {
  consteval Sql(const char* statement) : text(statement) {}
  const char* text;
};

// Binds bytes; a string alone is bound as text.
struct Blob {
  std::string_view bytes;
};

class Database;

// A statement being run. The first error sticks: Step returns false from then
// on and status() tells it.
class Query {
 public:
  Query(Query&& other) noexcept;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  // Moves to the next row; false at the end or after an error.
  bool Step();
  // OK at the end of the rows.
  absl::Status status() const { return status_; }

  // Columns of the row, from 0; text and blobs live until the next Step.
  int64_t Int(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  std::string_view Bytes(int column) const;
  std::string Text(int column) const { return std::string(Bytes(column)); }
  bool Null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

 private:
  friend class Database;
  Query(sqlite3* handle, sqlite3_stmt* statement, absl::Status status)
      : handle_(handle), statement_(statement), status_(std::move(status)) {}

  void Bind(int index, int64_t value);
  void Bind(int index, std::string_view value);
  void Bind(int index, Blob value);
  void Bind(int index, std::nullptr_t);
  void Check(int code);

  sqlite3* handle_;
  sqlite3_stmt* statement_;
  absl::Status status_;
};

// One connection; used by one thread at a time.
class Database {
 public:
  // `flags` as for sqlite3_open_v2(). Errors name the file.
  static absl::StatusOr<Database> Open(const std::string& path, int flags);

  // Starts a statement with its values, in the order of its "?". They must
  // live until the query is gone. One literal cannot be running twice.
  template <typename... Values>
  Query Run(Sql sql, const Values&... values) {
    Query query = Prepare(sql);
    int index = 0;
    (query.Bind(++index, values), ...);
    return query;
  }

  // Runs a statement to its end.
  template <typename... Values>
  absl::Status Execute(Sql sql, const Values&... values) {
    Query query = Run(sql, values...);
    while (query.Step()) {
    }
    return query.status();
  }

  // Runs several statements that have no values.
  absl::Status ExecuteAll(Sql sql);

  // Rows the last statement changed.
  int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  // Whether no transaction is open.
  bool autocommit() const { return sqlite3_get_autocommit(handle_.get()) != 0; }
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  Query Prepare(Sql sql);

  std::unique_ptr<sqlite3, Close> handle_;
  // By the address of the literal; finalised before the connection closes.
  std::unordered_map<const char*, std::unique_ptr<sqlite3_stmt, Close>>
      statements_;
};

// What `code` of SQLite means, with the connection's message.
absl::Status SqlError(sqlite3* handle, int code);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_SQL_H_
