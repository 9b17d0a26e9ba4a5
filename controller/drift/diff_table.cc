#include "controller/drift/diff_table.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "controller/judge/tables.h"
#include "controller/known_tables.h"
#include "proto/canonical.h"
#include "proto/instant.h"
#include "proto/options.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Proto = google::protobuf::Message;

// A row as the texts of its columns, in their order.
using Texts = std::vector<std::string>;

std::string Shown(const Proto& row, const FieldDescriptor* column) {
  if (column->options().GetExtension(v1::instant)) {
    const int64_t instant = ColumnInteger(row, column);
    return instant == 0 ? "" : Rfc3339(instant);
  }
  if (!column->is_repeated() &&
      column->cpp_type() == FieldDescriptor::CPPTYPE_BOOL)
    return ColumnInteger(row, column) != 0 ? "true" : "false";
  return ColumnText(row, column);
}

bool IsKey(const FieldDescriptor* column) {
  return column->options().GetExtension(v1::key);
}

// The columns of a table that both bodies speak of, and an order of rows by
// these alone.
class Shared {
 public:
  Shared(const Descriptor* row, uint32_t columns) {
    for (int c = 0; c < row->field_count(); ++c)
      if (static_cast<uint32_t>(row->field(c)->number()) <= columns)
        columns_.push_back(c);
  }
  bool Has(int column) const {
    return std::ranges::binary_search(columns_, column);
  }
  bool operator()(const Texts& a, const Texts& b) const {
    for (const int c : columns_)
      if (a[c] != b[c]) return a[c] < b[c];
    return false;
  }

 private:
  std::vector<int> columns_;  // by their place in the row, ascending
};

// Rows of one key in one of the bodies.
using RowsByKey = std::map<Texts, std::vector<Texts>>;

absl::StatusOr<RowsByKey> Read(const FieldDescriptor* table,
                               const std::string& canonical,
                               const Shared& shared) {
  google::protobuf::Arena arena;
  ASSIGN_OR_RETURN(const Proto* all_rows, ParseTable(table, canonical, arena));
  const Descriptor* type = table->message_type();
  const auto* reflection = all_rows->GetReflection();
  RowsByKey rows;
  for (int i = 0; i < reflection->FieldSize(*all_rows, table); ++i) {
    const Proto& row = reflection->GetRepeatedMessage(*all_rows, table, i);
    Texts key, all;
    for (int c = 0; c < type->field_count(); ++c) {
      all.push_back(Shown(row, type->field(c)));
      if (IsKey(type->field(c)) && shared.Has(c)) key.push_back(all.back());
    }
    rows[key].push_back(std::move(all));
  }
  return rows;
}

// Takes the rows that are in both away from both, as often as in both. A host may
// have sent very many of one key.
void Cancel(std::vector<Texts>& before, std::vector<Texts>& after,
            const Shared& shared) {
  std::ranges::sort(before, shared);
  std::ranges::sort(after, shared);
  std::vector<Texts> gone, come;
  std::ranges::set_difference(before, after, std::back_inserter(gone), shared);
  std::ranges::set_difference(after, before, std::back_inserter(come), shared);
  before = std::move(gone);
  after = std::move(come);
}

// One changed row; null stands for a row that is not there.
v1::Change MakeChange(const FieldDescriptor* table, const Texts* before,
                      const Texts* after, const Shared& shared) {
  v1::Change change;
  change.set_table(table->name());
  change.set_kind(before == nullptr  ? "added"
                  : after == nullptr ? "removed"
                                     : "changed");
  const bool both = before != nullptr && after != nullptr;
  const Descriptor* type = table->message_type();
  for (int c = 0; c < type->field_count(); ++c) {
    if (both && !shared.Has(c)) continue;
    const std::string& name = type->field(c)->name();
    const std::string was = before == nullptr ? "" : (*before)[c];
    const std::string is = after == nullptr ? "" : (*after)[c];
    if (IsKey(type->field(c))) {
      change.add_key(name + "=" + (before == nullptr ? is : was));
    } else if (was != is) {
      v1::ColumnChange& column = *change.add_columns();
      column.set_column(name);
      column.set_before(was);
      column.set_after(is);
    }
  }
  return change;
}

void DiffKey(const FieldDescriptor* table, std::vector<Texts> before,
             std::vector<Texts> after, const Shared& shared,
             std::vector<v1::Change>& changes) {
  Cancel(before, after, shared);
  for (size_t i = 0; i < std::max(before.size(), after.size()); ++i)
    changes.push_back(MakeChange(
        table, i < before.size() ? &before[i] : nullptr,
        i < after.size() ? &after[i] : nullptr, shared));
}

}  // namespace

absl::StatusOr<std::vector<v1::Change>> DiffTable(const std::string& table,
                                                  const std::string& before,
                                                  const std::string& after,
                                                  uint32_t columns) {
  const FieldDescriptor* field = TableField(table);
  if (field == nullptr) field = RegisterField(table);
  if (field == nullptr) return absl::NotFoundError("no such table: " + table);
  std::vector<v1::Change> changes;
  if (before == after) return changes;
  const Shared shared(field->message_type(), columns);
  ASSIGN_OR_RETURN(RowsByKey old_rows, Read(field, before, shared));
  ASSIGN_OR_RETURN(RowsByKey new_rows, Read(field, after, shared));
  for (const auto& [key, rows] : old_rows) new_rows[key];
  for (const auto& [key, rows] : new_rows)
    DiffKey(field, old_rows[key], rows, shared, changes);
  return changes;
}

}  // namespace metsuke
