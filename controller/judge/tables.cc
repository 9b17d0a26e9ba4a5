#include "controller/judge/tables.h"

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <sqlite3.h>

#include <vector>

#include "controller/known_tables.h"
#include "proto/encode.h"
#include "proto/options.pb.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Proto = google::protobuf::Message;

std::vector<std::string> ColumnDefinitions(const Descriptor* row) {
  std::vector<std::string> columns;
  for (int i = 0; i < row->field_count(); ++i)
    columns.push_back(fmt::format("\"{}\" {} NOT NULL", row->field(i)->name(),
                                  IsText(row->field(i)) ? "TEXT" : "INTEGER"));
  return columns;
}

void Bind(sqlite3_stmt* statement, int index, const Proto& row,
          const FieldDescriptor* column) {
  if (!IsText(column)) {
    sqlite3_bind_int64(statement, index, ColumnInteger(row, column));
    return;
  }
  const std::string text = ColumnText(row, column);
  sqlite3_bind_text64(statement, index, text.data(), text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace

bool IsText(const FieldDescriptor* column) {
  return column->is_repeated() ||
         column->cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
         column->cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
}

std::string ColumnText(const Proto& row, const FieldDescriptor* column) {
  const auto* r = row.GetReflection();
  if (column->is_repeated()) {
    std::string array = "[";
    for (int i = 0; i < r->FieldSize(row, column); ++i) {
      if (i > 0) array += ',';
      array += enc::Json(HostText(r->GetRepeatedString(row, column, i)));
    }
    return array + "]";
  }
  if (column->cpp_type() == FieldDescriptor::CPPTYPE_STRING)
    return r->GetString(row, column);
  if (column->cpp_type() == FieldDescriptor::CPPTYPE_ENUM)
    return EnumText(r->GetEnum(row, column));
  return std::to_string(ColumnInteger(row, column));
}

int64_t ColumnInteger(const Proto& row, const FieldDescriptor* column) {
  const auto* r = row.GetReflection();
  switch (column->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return r->GetBool(row, column);
    case FieldDescriptor::CPPTYPE_INT32:
      return r->GetInt32(row, column);
    case FieldDescriptor::CPPTYPE_UINT32:
      return r->GetUInt32(row, column);
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<int64_t>(r->GetUInt64(row, column));
    default:
      return r->GetInt64(row, column);
  }
}

absl::StatusOr<Tables> Tables::Open() {
  ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Open());
  for (const FieldDescriptor* table : KnownTables())
    RETURN_IF_ERROR(sandbox.CreateTable(
        table->name(), ColumnDefinitions(table->message_type())));
  return Tables(std::move(sandbox));
}

bool Tables::Holds(const std::string& table, const std::string& digest) const {
  const auto held = digests_.find(table);
  return held != digests_.end() && !digest.empty() && held->second == digest;
}

absl::Status Tables::Load(const std::string& table, const std::string& digest,
                          std::string_view canonical) {
  if (Holds(table, digest)) return absl::OkStatus();
  const FieldDescriptor* field = KnownTable(table);
  if (field == nullptr) return absl::NotFoundError("no such table: " + table);
  google::protobuf::Arena arena;
  ASSIGN_OR_RETURN(const Proto* rows, ParseTable(field, canonical, arena));
  RETURN_IF_ERROR(Replace(field, *rows));
  digests_[table] = digest;
  return absl::OkStatus();
}

absl::Status Tables::LoadAll(const Proto& tables) {
  const Descriptor* type = tables.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* table = type->field(i);
    if (KnownTable(table->name()) == table)
      RETURN_IF_ERROR(Replace(table, tables));
    else if (tables.GetReflection()->FieldSize(tables, table) > 0)
      return absl::InvalidArgumentError(fmt::format(
          "queries do not know {}; on a host they find {}", table->name(),
          table->options().GetExtension(v1::kept_as)));
  }
  return absl::OkStatus();
}

absl::Status Tables::Replace(const FieldDescriptor* table, const Proto& rows) {
  digests_.erase(table->name());
  RETURN_IF_ERROR(sandbox_.Execute("BEGIN"));
  absl::Status status =
      sandbox_.Execute(fmt::format("DELETE FROM \"{}\"", table->name()));
  if (status.ok()) status = Insert(table, rows);
  const absl::Status end =
      sandbox_.Execute(status.ok() ? "COMMIT" : "ROLLBACK");
  return status.ok() ? end : status;
}

absl::Status Tables::Insert(const FieldDescriptor* table, const Proto& rows) {
  const auto* reflection = rows.GetReflection();
  const Descriptor* type = table->message_type();
  if (reflection->FieldSize(rows, table) == 0) return absl::OkStatus();
  const std::vector<std::string> marks(type->field_count(), "?");
  ASSIGN_OR_RETURN(
      const Sandbox::Statement insert,
      sandbox_.Prepare(fmt::format("INSERT INTO \"{}\" VALUES({})",
                                   table->name(), fmt::join(marks, ", "))));
  for (int i = 0; i < reflection->FieldSize(rows, table); ++i) {
    const Proto& row = reflection->GetRepeatedMessage(rows, table, i);
    for (int c = 0; c < type->field_count(); ++c)
      Bind(insert.get(), c + 1, row, type->field(c));
    // A text longer than the sandbox takes leaves its parameter NULL, and
    // then NOT NULL refuses the row.
    if (sqlite3_step(insert.get()) != SQLITE_DONE)
      return absl::InvalidArgumentError(
          table->name() + ": a row does not fit: " +
          sqlite3_errmsg(sqlite3_db_handle(insert.get())));
    sqlite3_reset(insert.get());
    sqlite3_clear_bindings(insert.get());
  }
  return absl::OkStatus();
}

}  // namespace metsuke
