#include "collectors/collector.h"

#include "proto/canonical.h"

namespace metsuke {
namespace {

// Marks the status of Absent: a file that is missing is NotFound too, and must
// never be taken for it.
constexpr char kAbsent[] = "metsuke/absent";

}  // namespace

absl::Status Absent(const std::string& why) {
  absl::Status status = absl::NotFoundError(why);
  status.SetPayload(kAbsent, absl::Cord());
  return status;
}

bool IsAbsent(const absl::Status& status) {
  return status.GetPayload(kAbsent).has_value();
}

void AddGap(v1::Snapshot& snapshot, std::string_view table,
            std::string_view subject, std::string_view reason,
            std::initializer_list<std::string_view> columns) {
  v1::Gap& gap = *snapshot.add_gaps();
  gap.set_table(std::string(table));
  gap.set_subject(std::string(subject));
  gap.set_reason(std::string(reason));
  const auto* field = TableField(table);
  for (const std::string_view column : columns) {
    const std::string name(column);
    // A misspelt name would concern nothing; so it concerns all.
    if (!field || !field->message_type()->FindFieldByName(name))
      return gap.clear_columns();
    gap.add_columns(name);
  }
}

}  // namespace metsuke
