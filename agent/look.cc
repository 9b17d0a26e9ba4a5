#include "agent/look.h"

#include <map>
#include <string>
#include <utility>

#include "proto/canonical.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kCollections[] = "collections";

using Rows = std::map<std::string, std::string>;  // canonical, by table

// Whether the host answers for the table; collections and gaps are written
// about the others.
bool IsOurs(const google::protobuf::FieldDescriptor* table) {
  return table->name() != kCollections && table->name() != "gaps" &&
         FilledBy(table) != "metsuke-controller";
}

// The tables of the answer that the schema knows.
Rows TakeRows(absl::StatusOr<v1::Collected>& collected) {
  Rows rows;
  if (!collected.ok()) return rows;
  for (v1::CollectedTable& table : *collected->mutable_tables())
    if (TableField(table.table()) != nullptr)
      rows.try_emplace(table.table(), std::move(*table.mutable_canonical()));
  return rows;
}

// Makes `collections` say of each table without an answer why there is none.
void DeclareUnanswered(const std::string& why, Rows& rows) {
  const auto* schema = v1::Snapshot::descriptor();
  v1::Snapshot answered, complete;
  if (!answered.ParseFromString(rows[kCollections])) answered.Clear();
  for (const v1::Collection& row : answered.collections())
    if (rows.contains(row.table())) *complete.add_collections() = row;
  for (int i = 0; i < schema->field_count(); ++i) {
    const std::string table = schema->field(i)->name();
    if (!IsOurs(schema->field(i)) || rows.contains(table)) continue;
    v1::Collection& row = *complete.add_collections();
    row.set_table(table);
    row.set_status(CodeName(absl::StatusCode::kUnavailable));
    row.set_message(why);
  }
  rows[kCollections] = CanonicalTable(complete, TableField(kCollections));
}

const std::string* DigestIn(const std::optional<v1::State>& state,
                            const std::string& table) {
  if (!state) return nullptr;
  for (const v1::TableDigest& known : state->tables())
    if (known.table() == table) return &known.digest();
  return nullptr;
}

}  // namespace

uint64_t AllTables() {
  const auto* schema = v1::Snapshot::descriptor();
  uint64_t mask = 0;
  for (int i = 0; i < schema->field_count(); ++i)
    if (FilledBy(schema->field(i)) == "metsuke-collect")
      mask |= uint64_t{1} << schema->field(i)->number();
  return mask;
}

Looked MakeState(absl::StatusOr<v1::Collected> collected,
                 const std::optional<v1::State>& last, int64_t now) {
  const std::string why =
      collected.ok()
          ? "metsuke-collect did not answer for this table"
          : "metsuke-collect cannot be asked: " + Message(collected.status());
  Rows rows = TakeRows(collected);
  DeclareUnanswered(why, rows);
  Looked looked;
  looked.state.set_taken(now);
  const auto* schema = v1::Snapshot::descriptor();
  for (int i = 0; i < schema->field_count(); ++i) {
    const std::string table = schema->field(i)->name();
    const auto found = rows.find(table);
    const std::string* kept = DigestIn(last, table);
    if (found == rows.end() && kept == nullptr) continue;
    v1::TableDigest& entry = *looked.state.add_tables();
    entry.set_table(table);
    entry.set_digest(found == rows.end() ? *kept : Sha256(found->second));
    if (found != rows.end())
      looked.tables.push_back({entry.digest(), std::move(found->second)});
  }
  return looked;
}

}  // namespace metsuke
