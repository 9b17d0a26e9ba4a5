// The tables of a Snapshot and the registers as SQL tables. Names, columns and
// types come from the message's descriptor, so a field added to the .proto is a
// column here without another line of code. All tables are there from the
// beginning; only those a query reads need rows.

#ifndef METSUKE_CONTROLLER_JUDGE_TABLES_H_
#define METSUKE_CONTROLLER_JUDGE_TABLES_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "controller/judge/sandbox.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace metsuke {

// For one thread at a time.
class Tables {
 public:
  // Every known table, without rows. Columns are NOT NULL: a bool is 0
  // or 1, a repeated string is a JSON array.
  static absl::StatusOr<Tables> Open();

  // Makes the rows in `canonical`, bytes of CanonicalTable, the rows of
  // `table`. NotFound for an unknown table, DataLoss for bytes that are no
  // such table. Nothing is done when `digest` is that of the rows the table
  // has; an empty digest is never equal.
  absl::Status Load(const std::string& table, const std::string& digest,
                    std::string_view canonical);

  // Whether the table's rows are those of the digest.
  bool Holds(const std::string& table, const std::string& digest) const;

  // Loads all tables of `tables`, a Snapshot or Registers, also those without
  // rows. InvalidArgument when one that queries do not know has rows.
  absl::Status LoadAll(const google::protobuf::Message& tables);

  // As in Sandbox.
  absl::StatusOr<Access> Compile(const std::string& sql) {
    return sandbox_.Compile(sql);
  }
  absl::StatusOr<Rows> Query(const std::string& sql, int64_t now,
                             const QueryLimits& limits = {}) {
    return sandbox_.Query(sql, now, limits);
  }

 private:
  explicit Tables(Sandbox sandbox) : sandbox_(std::move(sandbox)) {}
  absl::Status Replace(const google::protobuf::FieldDescriptor* table,
                       const google::protobuf::Message& rows);
  absl::Status Insert(const google::protobuf::FieldDescriptor* table,
                      const google::protobuf::Message& rows);

  Sandbox sandbox_;
  // Digest of the rows each table has.
  std::map<std::string, std::string> digests_;
};

// A column of a row as SQL and drift show it: text as it is, a repeated
// string as a JSON array.
std::string ColumnText(const google::protobuf::Message& row,
                       const google::protobuf::FieldDescriptor* column);

// Whether the column holds text, not a number.
bool IsText(const google::protobuf::FieldDescriptor* column);

// A column that holds no text; a bool is 0 or 1.
int64_t ColumnInteger(const google::protobuf::Message& row,
                      const google::protobuf::FieldDescriptor* column);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_TABLES_H_
