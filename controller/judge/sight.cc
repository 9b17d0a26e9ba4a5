#include "controller/judge/sight.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/canonical.h"

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

}  // namespace

Sight::Sight(const v1::Snapshot& snapshot, const TableDigests& tables) {
  // Before what the host says: its word about these does not count.
  const auto* schema = v1::Snapshot::descriptor();
  for (int i = 0; i < schema->field_count(); ++i) {
    if (FilledBy(schema->field(i)) != "metsuke-controller") continue;
    const bool seen = tables.contains(schema->field(i)->name());
    v1::Collection& row = *snapshot_.add_collections();
    row.set_table(schema->field(i)->name());
    row.set_status(seen ? "ok" : "unavailable");
    if (!seen)
      row.set_message(
          row.table() == "login_sources"
              ? "the host has not told of late what happens on it"
              : "the controller has not knocked at this host lately; "
                "metsukectl ssh probe makes it");
  }
  snapshot_.mutable_collections()->MergeFrom(snapshot.collections());
  for (const v1::Gap& gap : snapshot.gaps()) {
    const auto* table = TableField(gap.table());
    if (table == nullptr || FilledBy(table) != "metsuke-controller")
      *snapshot_.add_gaps() = gap;
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
  return own.empty() ? "ok" : Sha256(own);
}

}  // namespace metsuke
