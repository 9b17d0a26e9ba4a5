#include "controller/store/state.h"

#include <fmt/format.h>

#include "controller/store/body.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/options.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;

bool Sensitive(const FieldDescriptor* table) {
  return table->options().GetExtension(v1::sensitive);
}

// Ends what the table was and begins what it is; an empty digest is no table.
absl::Status ChangeSpan(Database& database, const std::string& host,
                        int64_t number, int64_t since,
                        std::string_view digest) {
  // What began at the very instant it ended never was.
  RETURN_IF_ERROR(database.Execute(
      "DELETE FROM span WHERE host = ? AND table_number = ? AND since = ?",
      host, number, since));
  RETURN_IF_ERROR(database.Execute(
      "UPDATE span SET until = ?1 WHERE host = ?2 AND table_number = ?3 "
      "AND until = 0 AND since = (SELECT max(since) FROM span "
      "WHERE host = ?2 AND table_number = ?3)",
      since, host, number));
  if (digest.empty()) return absl::OkStatus();
  return database.Execute(
      "INSERT INTO span(host, table_number, since, until, digest) "
      "VALUES(?, ?, ?, 0, ?)",
      host, number, since, Blob{digest});
}

}  // namespace

absl::Status CheckInFleet(Database& database, const std::string& host) {
  Query query = database.Run("SELECT removed FROM host WHERE id = ?", host);
  const bool known = query.Step();
  RETURN_IF_ERROR(query.status());
  if (!known)
    return absl::NotFoundError(
        fmt::format("host {}: never opened a stream", enc::Log(HostText(host))));
  if (query.Int(0) != 0)
    return absl::PermissionDeniedError(
        "the host was removed from the fleet; it can join again as a new one");
  return absl::OkStatus();
}

absl::Status StoreBodies(Database& database, const std::string& host,
                         const std::vector<TableBody>& bodies) {
  for (const TableBody& body : bodies) {
    const FieldDescriptor* table = TableField(body.table);
    if (table == nullptr)
      return absl::InvalidArgumentError("body of a table that does not exist");
    RETURN_IF_ERROR(
        database.Execute("INSERT INTO body(digest, table_number, size, zstd) "
                         "VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
                         Blob{body.digest}, int64_t{table->number()},
                         int64_t{body.size}, Blob{body.zstd}));
    if (!Sensitive(table)) continue;
    RETURN_IF_ERROR(
        database.Execute("INSERT INTO body_from(host, digest) VALUES(?, ?) "
                         "ON CONFLICT DO NOTHING",
                         host, Blob{body.digest}));
  }
  return absl::OkStatus();
}

absl::Status ChangeSpans(Database& database, const std::string& host,
                         const v1::State& state, const TableDigests& before,
                         int64_t since) {
  TableDigests gone = before;
  for (const v1::TableDigest& table : state.tables()) {
    const FieldDescriptor* field = TableField(table.table());
    if (field == nullptr)
      return absl::InvalidArgumentError("a table that does not exist");
    gone.erase(table.table());
    const auto was = before.find(table.table());
    if (was != before.end() && was->second == table.digest()) continue;
    ASSIGN_OR_RETURN(const bool has, HasBody(database, host, table));
    if (!has)
      return absl::NotFoundError(
          fmt::format("body of {} is missing", table.table()));
    RETURN_IF_ERROR(
        ChangeSpan(database, host, field->number(), since, table.digest()));
  }
  for (const auto& [table, digest] : gone)
    RETURN_IF_ERROR(
        ChangeSpan(database, host, TableField(table)->number(), since, {}));
  return absl::OkStatus();
}

absl::Status PutState(Database& database, std::string_view digest,
                      const v1::State& tables) {
  const std::string bytes = tables.SerializeAsString();
  return database.Execute(
      "INSERT INTO state(digest, tables) VALUES(?, ?) ON CONFLICT DO NOTHING",
      Blob{digest}, Blob{bytes});
}

v1::State InOrder(const TableDigests& tables) {
  const auto* schema = v1::Snapshot::descriptor();
  v1::State state;
  for (int i = 0; i < schema->field_count(); ++i) {
    const auto found = tables.find(schema->field(i)->name());
    if (found == tables.end()) continue;
    v1::TableDigest& table = *state.add_tables();
    table.set_table(found->first);
    table.set_digest(found->second);
  }
  return state;
}

absl::StatusOr<bool> HasBody(Database& database, const std::string& host,
                             const v1::TableDigest& table) {
  const FieldDescriptor* field = TableField(table.table());
  if (field == nullptr)
    return absl::InvalidArgumentError("a table that does not exist");
  static const std::string* const kEmpty = new std::string(Sha256(""));
  if (table.digest() == *kEmpty) return true;
  // The table is part of the question: the digest of a sensitive table, asked
  // for under the name of another, must not be answered.
  Query query = database.Run(
      "SELECT ?4 = 0 OR EXISTS(SELECT 1 FROM body_from "
      "WHERE host = ?3 AND digest = ?1) "
      "FROM body WHERE digest = ?1 AND table_number = ?2",
      Blob{table.digest()}, int64_t{field->number()}, host,
      int64_t{Sensitive(field)});
  const bool found = query.Step();
  RETURN_IF_ERROR(query.status());
  return found && query.Int(0) != 0;
}

absl::StatusOr<std::string> ReadBody(Database& database,
                                     std::string_view digest) {
  if (digest == Sha256("")) return "";
  Query query = database.Run("SELECT zstd, size FROM body WHERE digest = ?",
                             Blob{digest});
  if (!query.Step()) {
    RETURN_IF_ERROR(query.status());
    return absl::NotFoundError(fmt::format("no body {}", Hex(digest)));
  }
  auto bytes = Decompress(query.Bytes(0), static_cast<size_t>(query.Int(1)));
  if (!bytes.ok() || Sha256(*bytes) != digest)
    return absl::DataLossError(fmt::format(
        "body {} is not what was stored: the database is damaged; restore it "
        "from a backup",
        Hex(digest)));
  return bytes;
}

absl::StatusOr<TableDigests> ReadState(Database& database,
                                       std::string_view digest) {
  Query query =
      database.Run("SELECT tables FROM state WHERE digest = ?", Blob{digest});
  TableDigests tables;
  v1::State state;
  if (query.Step()) state.ParseFromString(query.Text(0));
  RETURN_IF_ERROR(query.status());
  for (const v1::TableDigest& table : state.tables())
    tables[table.table()] = table.digest();
  return tables;
}

}  // namespace metsuke
