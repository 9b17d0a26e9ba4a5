#include "controller/store/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "controller/store/events.h"
#include "controller/store/observation.h"
#include "controller/store/reports.h"
#include "controller/store/state.h"
#include "controller/store/tidy.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/options.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

// SQLite's integers are signed.
constexpr uint64_t kLargestSeq = std::numeric_limits<int64_t>::max();

// What the store has of a host before a record.
struct Before {
  int64_t last_seen;
  int64_t state_since;
  std::string state;  // digest; empty when it had none
};

absl::StatusOr<Before> ReadHost(Database& database, const std::string& id) {
  RETURN_IF_ERROR(CheckInFleet(database, id));
  Query query = database.Run(
      "SELECT last_seen, state_since, state FROM host WHERE id = ?", id);
  query.Step();
  RETURN_IF_ERROR(query.status());
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

absl::Status StoreState(Database& database, const HostUpdate& update,
                        const Before& host, DriftMemo& memo) {
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
  RETURN_IF_ERROR(NoteLate(database, update.host, since));
  TableDigests after;
  for (const v1::TableDigest& table : update.state->tables())
    after[table.table()] = table.digest();
  RETURN_IF_ERROR(
      StoreDrift(database, update.host, before, after, since, memo));
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
        "UPDATE loss SET last = ?, stored = ? "
        "WHERE host = ? AND stream = ? AND last = ? AND reason = ?",
        static_cast<int64_t>(loss.to()), update.now, update.host,
        Blob{update.stream},
        static_cast<int64_t>(loss.from()) - 1, loss.reason()));
    if (database.changes() > 0) continue;
    // The agent's own word replaces ours about the same hole.
    RETURN_IF_ERROR(database.Execute(
        "INSERT INTO loss(host, stream, first, last, reason, noticed, stored) "
        "VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "last = max(last, excluded.last), reason = excluded.reason, "
        "noticed = excluded.noticed, stored = excluded.stored",
        update.host, Blob{update.stream}, static_cast<int64_t>(loss.from()),
        static_cast<int64_t>(loss.to()), loss.reason(),
        std::min(loss.noticed(), update.now), update.now));
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

absl::Status StoreRecord(Database& database, const HostUpdate& update,
                         const SilenceRule& silence, DriftMemo& memo) {
  ASSIGN_OR_RETURN(const Before host, ReadHost(database, update.host));
  if (update.seq == 0 || update.seq > kLargestSeq)
    return absl::InvalidArgumentError("a record with an impossible number");
  ASSIGN_OR_RETURN(const uint64_t acknowledged,
                   Acknowledged(database, update.host, update.stream));
  if (update.seq <= acknowledged) return absl::OkStatus();
  if (acknowledged == 0)
    RETURN_IF_ERROR(ForgetStreams(database, update.host));
  RETURN_IF_ERROR(StoreBodies(database, update.host, update.bodies));
  if (update.state) RETURN_IF_ERROR(StoreState(database, update, host, memo));
  RETURN_IF_ERROR(StoreLosses(database, update));
  RETURN_IF_ERROR(StoreEvents(database, update.host, update.events));
  RETURN_IF_ERROR(NoteLogins(database, update));
  RETURN_IF_ERROR(database.Execute(
      "INSERT INTO stream(host, stream, acknowledged, used) "
      "VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
      "acknowledged = excluded.acknowledged, used = excluded.used",
      update.host, Blob{update.stream}, static_cast<int64_t>(update.seq),
      update.now));
  if (!update.state) return absl::OkStatus();
  return StoreHeard(database, update.host, update.now, silence);
}

}  // namespace metsuke
