#include "controller/store/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "controller/store/body.h"
#include "controller/store/events.h"
#include "controller/store/tidy.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/options.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;

// SQLite's integers are signed.
constexpr uint64_t kLargestSeq = std::numeric_limits<int64_t>::max();

// What the store has of a host before a record.
struct Before {
  int64_t last_seen;
  int64_t state_since;
  std::string state;  // digest; empty when it had none
};

absl::StatusOr<Before> ReadHost(Database& database, const std::string& id) {
  Query query = database.Run(
      "SELECT last_seen, state_since, state, removed FROM host WHERE id = ?",
      id);
  if (!query.Step()) {
    RETURN_IF_ERROR(query.status());
    return absl::NotFoundError(
        fmt::format("host {}: never opened a stream", enc::Log(HostText(id))));
  }
  if (query.Int(3) != 0)
    return absl::PermissionDeniedError(
        "the host was removed from the fleet; it can join again as a new one");
  return Before{query.Int(0), query.Int(1), query.Text(2)};
}

absl::StatusOr<uint64_t> Acknowledged(Database& database,
                                      const std::string& host,
                                      std::string_view stream) {
  Query query = database.Run(
      "SELECT acknowledged FROM stream WHERE host = ? AND stream = ?", host,
      Blob{stream});
  const bool found = query.Step();
  RETURN_IF_ERROR(query.status());
  return found ? static_cast<uint64_t>(query.Int(0)) : 0;
}

bool Sensitive(const FieldDescriptor* table) {
  return table->options().GetExtension(v1::sensitive);
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

// What the host calls itself stands in its table `host`.
absl::Status StoreNames(Database& database, const HostUpdate& update) {
  v1::Snapshot snapshot;
  for (const v1::TableDigest& table : update.state->tables()) {
    if (table.table() != "host") continue;
    const auto canonical = ReadBody(database, table.digest());
    if (!canonical.ok()) {
      // A damaged body must not keep other hosts' records from being stored.
      Log(Priority::kError,
          fmt::format("host {}: {}", enc::Log(HostText(update.host)),
                      Message(canonical.status())));
      return absl::OkStatus();
    }
    snapshot.ParseFromString(*canonical);
  }
  const bool told = snapshot.host_size() > 0;
  const std::string name = told && !snapshot.host(0).hostname().empty()
                               ? snapshot.host(0).hostname()
                               : update.host;
  const std::string os_name = told ? snapshot.host(0).os_name() : "";
  return database.Execute("UPDATE host SET name = ?, os_name = ? WHERE id = ?",
                          name, os_name, update.host);
}

absl::Status PutState(Database& database, std::string_view digest,
                      const v1::State& tables) {
  const std::string bytes = tables.SerializeAsString();
  return database.Execute(
      "INSERT INTO state(digest, tables) VALUES(?, ?) ON CONFLICT DO NOTHING",
      Blob{digest}, Blob{bytes});
}

absl::Status StoreState(Database& database, const HostUpdate& update,
                        const Before& host) {
  v1::State tables = *update.state;
  tables.clear_taken();  // hosts that look alike share the row
  const std::string digest = StateDigest(tables);
  if (digest == host.state) return absl::OkStatus();
  // The host's clock may be wrong, but its history does not run backwards and
  // does not reach into the future.
  const int64_t since =
      std::max(host.state_since, std::min(update.state->taken(), update.now));
  ASSIGN_OR_RETURN(const TableDigests before, ReadState(database, host.state));
  RETURN_IF_ERROR(
      ChangeSpans(database, update.host, *update.state, before, since));
  RETURN_IF_ERROR(PutState(database, digest, tables));
  RETURN_IF_ERROR(database.Execute(
      "UPDATE host SET state = ?, state_since = ? WHERE id = ?", Blob{digest},
      since, update.host));
  return StoreNames(database, update);
}

absl::Status StoreLosses(Database& database, const HostUpdate& update) {
  for (const v1::Loss& loss : update.losses) {
    if (loss.from() > loss.to() || loss.to() > kLargestSeq)
      return absl::InvalidArgumentError("a loss that ends before it begins");
    // A host that cannot write for a day says so at each look.
    RETURN_IF_ERROR(database.Execute(
        "UPDATE loss SET last = ? WHERE host = ? AND stream = ? AND last = ? "
        "AND reason = ?",
        static_cast<int64_t>(loss.to()), update.host, Blob{update.stream},
        static_cast<int64_t>(loss.from()) - 1, loss.reason()));
    if (database.changes() > 0) continue;
    // The agent's own word replaces ours about the same hole.
    RETURN_IF_ERROR(database.Execute(
        "INSERT INTO loss(host, stream, first, last, reason, noticed) "
        "VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "last = max(last, excluded.last), reason = excluded.reason, "
        "noticed = excluded.noticed",
        update.host, Blob{update.stream}, static_cast<int64_t>(loss.from()),
        static_cast<int64_t>(loss.to()), loss.reason(),
        std::min(loss.noticed(), update.now)));
  }
  if (update.losses.empty()) return absl::OkStatus();
  // total() does not overflow: a host may claim any numbers.
  return database.Execute(
      "UPDATE host SET lost = (SELECT CAST(min(total(last - first + 1), 9e18) "
      "AS INTEGER) FROM loss WHERE host = ?1) WHERE id = ?1",
      update.host);
}

}  // namespace

absl::StatusOr<Standing> StoreContact(Database& database,
                                      const Contact& contact) {
  RETURN_IF_ERROR(database.Execute(
      "INSERT INTO host(id, name, enrolled, last_seen, version, os_name, "
      "state_since, lost, removed, address) "
      "VALUES(?1, ?1, ?2, 0, ?3, '', 0, 0, 0, ?4) ON CONFLICT DO UPDATE SET "
      "version = ?3, address = ?4 WHERE removed = 0",
      contact.host, contact.now, contact.version, contact.address));
  ASSIGN_OR_RETURN(const Before host, ReadHost(database, contact.host));
  Standing standing{.state = host.state};
  ASSIGN_OR_RETURN(standing.acknowledged,
                   Acknowledged(database, contact.host, contact.stream));
  return standing;
}

absl::Status StoreRecord(Database& database, const HostUpdate& update) {
  ASSIGN_OR_RETURN(const Before host, ReadHost(database, update.host));
  if (update.seq == 0 || update.seq > kLargestSeq)
    return absl::InvalidArgumentError("a record with an impossible number");
  ASSIGN_OR_RETURN(const uint64_t acknowledged,
                   Acknowledged(database, update.host, update.stream));
  if (update.seq <= acknowledged) return absl::OkStatus();
  if (acknowledged == 0)
    RETURN_IF_ERROR(ForgetStreams(database, update.host));
  RETURN_IF_ERROR(StoreBodies(database, update.host, update.bodies));
  if (update.state) RETURN_IF_ERROR(StoreState(database, update, host));
  RETURN_IF_ERROR(StoreLosses(database, update));
  RETURN_IF_ERROR(StoreEvents(database, update));
  RETURN_IF_ERROR(database.Execute(
      "INSERT INTO stream(host, stream, acknowledged, used) "
      "VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
      "acknowledged = excluded.acknowledged, used = excluded.used",
      update.host, Blob{update.stream}, static_cast<int64_t>(update.seq),
      update.now));
  if (!update.state) return absl::OkStatus();
  return database.Execute(
      "UPDATE host SET last_seen = max(last_seen, ?) WHERE id = ?", update.now,
      update.host);
}

absl::Status StoreObservation(Database& database,
                              const Observation& observation) {
  RETURN_IF_ERROR(ReadHost(database, observation.host).status());
  Query query = database.Run("SELECT seen, seen_since FROM host WHERE id = ?",
                             observation.host);
  query.Step();
  RETURN_IF_ERROR(query.status());
  const std::string last = query.Text(0);
  const int64_t since = std::max(query.Int(1), observation.now);
  ASSIGN_OR_RETURN(const TableDigests before, ReadState(database, last));
  TableDigests after = before;
  for (const TableBody& body : observation.bodies) {
    const FieldDescriptor* table = TableField(body.table);
    if (table == nullptr || FilledBy(table) != "metsuke-controller")
      return absl::InvalidArgumentError(
          fmt::format("{} is not the controller's to fill", body.table));
    after[body.table] = body.digest;
  }
  RETURN_IF_ERROR(
      StoreBodies(database, observation.host, observation.bodies));
  const v1::State state = InOrder(after);
  const std::string digest = StateDigest(state);
  RETURN_IF_ERROR(database.Execute(
      "UPDATE host SET last_knock = ?, knocked_for = ?, knock_address = ? "
      "WHERE id = ?",
      observation.now, Blob{observation.knocked_for},
      observation.knock_address, observation.host));
  if (digest == last) return absl::OkStatus();
  RETURN_IF_ERROR(
      ChangeSpans(database, observation.host, state, before, since));
  RETURN_IF_ERROR(PutState(database, digest, state));
  return database.Execute(
      "UPDATE host SET seen = ?, seen_since = ? WHERE id = ?", Blob{digest},
      since, observation.host);
}

absl::Status ExpireObservations(Database& database, int64_t before,
                                int64_t now) {
  struct Expired {
    std::string host, seen;
    int64_t since;
  };
  std::vector<Expired> expired;
  Query query = database.Run(
      "SELECT id, seen, max(seen_since, ?2) FROM host "
      "WHERE seen IS NOT NULL AND removed = 0 "
      "AND (last_knock < ?1 OR last_knock > ?2)",
      before, now);
  while (query.Step())
    expired.push_back({query.Text(0), query.Text(1), query.Int(2)});
  RETURN_IF_ERROR(query.status());
  for (const Expired& one : expired) {
    ASSIGN_OR_RETURN(const TableDigests tables, ReadState(database, one.seen));
    RETURN_IF_ERROR(ChangeSpans(database, one.host, {}, tables, one.since));
    RETURN_IF_ERROR(database.Execute(
        "UPDATE host SET seen = NULL, seen_since = ? WHERE id = ?", one.since,
        one.host));
  }
  return absl::OkStatus();
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
