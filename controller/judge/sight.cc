#include "controller/judge/sight.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/known_tables.h"
#include "proto/canonical.h"
#include "proto/register.pb.h"

namespace metsuke {
namespace {

// These tables are about the others and are always there.
bool IsItself(const std::string& table) {
  return table == "collections" || table == "gaps" || table == "gaps_outside";
}

// Whether the gap is one of rows of the table, or of one of the columns.
bool Concerns(const v1::Gap& gap, const std::string& table,
              const std::set<std::string>& columns) {
  if (gap.table() != table) return false;
  return gap.columns().empty() ||
         std::any_of(gap.columns().begin(), gap.columns().end(),
                     [&](const std::string& column) {
                       return columns.contains(column);
                     });
}

bool IsRegister(const google::protobuf::FieldDescriptor* table) {
  return table->containing_type() == v1::Registers::descriptor();
}

// Whether hosts have no word about the table.
bool IsOurs(const google::protobuf::FieldDescriptor* table) {
  return IsRegister(table) || FilledBy(table) == "metsuke-controller";
}

// Why a table of ours is not there.
const char* WhyNot(const google::protobuf::FieldDescriptor* table) {
  if (IsRegister(table))
    return "nobody has kept this register; metsukectl register apply does";
  if (table->name() == "login_sources")
    return "the host has not told of late what happens on it";
  if (table->name() == "labels")
    return "there is no controller that keeps them";
  return "the controller has not knocked at this host lately; metsukectl ssh "
         "probe makes it";
}

// The columns of a table that an older agent says nothing about: empty in its
// rows, they would look as if it had found nothing.
std::optional<v1::Gap> LaterColumns(const v1::Collection& row) {
  const auto* table = TableField(row.table());
  if (table == nullptr || IsOurs(table) || row.status() != "ok" ||
      row.columns() == 0)
    return {};
  v1::Gap gap;
  gap.set_table(row.table());
  gap.set_subject("its agent");
  gap.set_reason("it is older than this column; upgrade metsuke-agent");
  const auto* columns = table->message_type();
  for (int i = 0; i < columns->field_count(); ++i)
    if (columns->field(i)->number() > static_cast<int>(row.columns()))
      gap.add_columns(columns->field(i)->name());
  if (gap.columns().empty()) return {};
  return gap;
}

}  // namespace

Sight::Sight(const v1::Snapshot& snapshot, const Digests& tables) {
  // Before what the host says: its word about these does not count.
  for (const auto* table : KnownTables()) {
    if (!IsOurs(table)) continue;
    const bool seen = tables.Find(table->name()) != nullptr;
    v1::Collection& row = *snapshot_.add_collections();
    row.set_table(table->name());
    row.set_status(seen ? "ok" : "unavailable");
    if (!seen) row.set_message(WhyNot(table));
  }
  snapshot_.mutable_collections()->MergeFrom(snapshot.collections());
  for (const v1::Collection& row : snapshot.collections())
    if (auto gap = LaterColumns(row)) missing_.push_back(*std::move(gap));
  for (const v1::Gap& gap : snapshot.gaps()) {
    const auto* table = KnownTable(gap.table());
    if (table == nullptr || !IsOurs(table)) *snapshot_.add_gaps() = gap;
  }
  snapshot_.mutable_gaps()->MergeFrom(snapshot.gaps_outside());
}

Sight Sight::Clear() {
  Sight sight;
  sight.clear_ = true;
  return sight;
}

const v1::Collection* Sight::Find(const std::string& table) const {
  for (const v1::Collection& row : snapshot_.collections())
    if (row.table() == table) return &row;
  return nullptr;
}

std::optional<HostText> Sight::Unseen(const std::string& table) const {
  if (clear_ || IsItself(table)) return {};
  const v1::Collection* row = Find(table);
  if (row == nullptr) return HostText(table + ": not collected on this host");
  if (row->status() == "ok" || row->status() == "absent") return {};
  return HostText(
      fmt::format("{}: {}", table,
                  row->message().empty() ? row->status() : row->message()));
}

std::optional<HostText> Sight::Gap(const std::string& table,
                                   const std::set<std::string>& columns) const {
  const v1::Gap* first = nullptr;
  int more = -1;
  for (const v1::Gap& gap : snapshot_.gaps()) {
    if (!Concerns(gap, table, columns)) continue;
    if (first == nullptr) first = &gap;
    ++more;
  }
  if (first == nullptr) return {};
  return HostText(
      fmt::format("{}: {}: {}{}", table, first->subject(), first->reason(),
                  more > 0 ? fmt::format(" (and {} more)", more) : ""));
}

std::optional<HostText> Sight::Missing(
    const std::string& table, const std::set<std::string>& columns) const {
  for (const v1::Gap& gap : missing_)
    if (Concerns(gap, table, columns))
      return HostText(
          fmt::format("{}: {}: {}", table, gap.subject(), gap.reason()));
  return {};
}

std::optional<HostText> Sight::Absent(const std::string& table) const {
  const v1::Collection* row = Find(table);
  if (row == nullptr || row->status() != "absent") return {};
  return HostText(fmt::format("{}: {}", table, row->message()));
}

std::string Sight::Digest(const std::string& table,
                          const std::set<std::string>& columns) const {
  const v1::Collection* row = Find(table);
  std::string own = row == nullptr ? "-" : "";
  if (row != nullptr && row->status() != "ok") own = row->SerializeAsString();
  for (const v1::Gap& gap : snapshot_.gaps())
    if (Concerns(gap, table, columns)) own += Sha256(gap.SerializeAsString());
  if (const auto missing = Missing(table, columns)) own += missing->raw();
  return own.empty() ? "ok" : Sha256(own);
}

}  // namespace metsuke
