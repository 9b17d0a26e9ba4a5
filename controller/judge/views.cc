#include "controller/judge/views.h"

#include "controller/judge/tables.h"
#include "controller/known_tables.h"
#include "proto/canonical.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;

constexpr size_t kMost = 16 << 10;

// The bytes say where each value ends, so that no two lists of values read
// alike.
std::string DigestOf(const google::protobuf::Message& tables,
                     const FieldDescriptor* table,
                     const std::set<std::string>& names) {
  std::vector<const FieldDescriptor*> columns;
  for (const std::string& name : names)
    columns.push_back(table->message_type()->FindFieldByName(name));
  const auto* reflection = tables.GetReflection();
  const int rows = reflection->FieldSize(tables, table);
  std::string shown = std::to_string(rows);
  for (int i = 0; i < rows; ++i) {
    const auto& row = reflection->GetRepeatedMessage(tables, table, i);
    for (const FieldDescriptor* column : columns) {
      const std::string value = ColumnText(row, column);
      ((shown += ' ') += std::to_string(value.size()) += ':') += value;
    }
  }
  // Not to be taken for the digest of a body.
  return "v" + Sha256(shown);
}

}  // namespace

int Views::Add(const View& view) {
  std::vector<int>& numbers = of_[view.table];
  for (const int number : numbers)
    if (views_[number].columns == view.columns) return number;
  numbers.push_back(static_cast<int>(views_.size()));
  views_.push_back(view);
  return numbers.back();
}

const std::vector<int>& Views::Of(const std::string& table) const {
  static const std::vector<int> kNone;
  const auto found = of_.find(table);
  return found == of_.end() ? kNone : found->second;
}

std::vector<std::string> Views::Digests(const std::string& table,
                                        const std::string& digest,
                                        std::string_view canonical) const {
  const std::vector<int>& numbers = Of(table);
  std::vector<std::string> digests(numbers.size(), digest);
  if (canonical.size() > kMost) return digests;
  const FieldDescriptor* field = KnownTable(table);
  google::protobuf::Arena arena;
  const auto rows = ParseTable(field, canonical, arena);
  if (!rows.ok()) return digests;
  for (size_t i = 0; i < numbers.size(); ++i)
    digests[i] = DigestOf(**rows, field, views_[numbers[i]].columns);
  return digests;
}

}  // namespace metsuke
