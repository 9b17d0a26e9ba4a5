#include "controller/store/observation.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controller/login_sources.h"
#include "controller/store/body.h"
#include "controller/store/events.h"
#include "controller/store/state.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/event_words.h"
#include "proto/log.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kLogins[] = "login_sources";
// What knocking at the host tells.
constexpr const char* kOutside[] = {"ssh_endpoints_outside", "gaps_outside"};

// What the controller knows of a host.
struct Seen {
  std::string digest;  // empty when it knows nothing
  int64_t since = 0;
  TableDigests tables;
};

absl::StatusOr<Seen> ReadSeen(Database& database, const std::string& host) {
  RETURN_IF_ERROR(CheckInFleet(database, host));
  Query query =
      database.Run("SELECT seen, seen_since FROM host WHERE id = ?", host);
  query.Step();
  RETURN_IF_ERROR(query.status());
  Seen seen{.digest = query.Text(0), .since = query.Int(1), .tables = {}};
  ASSIGN_OR_RETURN(seen.tables, ReadState(database, seen.digest));
  return seen;
}

// From `now` on it is `after`.
absl::Status ChangeSeen(Database& database, const std::string& host,
                        const Seen& before, const TableDigests& after,
                        int64_t now) {
  if (after == before.tables) return absl::OkStatus();
  const int64_t since = std::max(before.since, now);
  const v1::State state = InOrder(after);
  RETURN_IF_ERROR(ChangeSpans(database, host, state, before.tables, since));
  if (after.empty())
    return database.Execute(
        "UPDATE host SET seen = NULL, seen_since = ? WHERE id = ?", since, host);
  const std::string digest = StateDigest(state);
  RETURN_IF_ERROR(PutState(database, digest, state));
  return database.Execute(
      "UPDATE host SET seen = ?, seen_since = ? WHERE id = ?", Blob{digest},
      since, host);
}

// The logins that are still known and recent enough, the first of very many.
absl::Status AddKnownLogins(Database& database, const std::string& host,
                            LoginSources& logins) {
  constexpr int kMostPages = 20;
  EventPlace after{logins.since(), ""};
  for (int i = 0; i < kMostPages; ++i) {
    ASSIGN_OR_RETURN(const std::vector<v1::Event> page,
                     ReadEvents(database, host, "login", after, INT64_MAX));
    for (const v1::Event& event : page) logins.Add(event);
    if (page.empty()) break;
    after = {page.back().time(), page.back().id()};
  }
  return absl::OkStatus();
}

// The table after an update; `known` is the digest it had, empty for none.
absl::StatusOr<TableBody> LoginsAfter(Database& database,
                                      const HostUpdate& update,
                                      const std::string& known) {
  LoginSources logins(update.now);
  if (known.empty()) {
    RETURN_IF_ERROR(AddKnownLogins(database, update.host, logins));
  } else {
    ASSIGN_OR_RETURN(const std::string rows, ReadBody(database, known));
    v1::Snapshot snapshot;
    if (!snapshot.ParseFromString(rows))
      return absl::DataLossError("the stored rows cannot be read");
    logins.Add(snapshot);
    for (const v1::Event& event : update.events) logins.Add(event);
  }
  return MakeBody(kLogins,
                  CanonicalTable(logins.Table(), TableField(kLogins)));
}

bool SaysUnread(const v1::Event& event) {
  return event.source() == "agent" && event.detail().starts_with(kEventsUnread);
}

}  // namespace

absl::Status StoreObservation(Database& database,
                              const Observation& observation) {
  ASSIGN_OR_RETURN(const Seen before, ReadSeen(database, observation.host));
  TableDigests after = before.tables;
  for (const TableBody& body : observation.bodies) {
    const auto* table = TableField(body.table);
    if (table == nullptr || FilledBy(table) != "metsuke-controller")
      return absl::InvalidArgumentError(
          fmt::format("{} is not the controller's to fill", body.table));
    after[body.table] = body.digest;
  }
  RETURN_IF_ERROR(
      StoreBodies(database, observation.host, observation.bodies));
  RETURN_IF_ERROR(database.Execute(
      "UPDATE host SET last_knock = ?, knocked_for = ?, knock_address = ? "
      "WHERE id = ?",
      observation.now, Blob{observation.knocked_for},
      observation.knock_address, observation.host));
  return ChangeSeen(database, observation.host, before, after, observation.now);
}

absl::Status ExpireObservations(Database& database, int64_t before,
                                int64_t now) {
  std::vector<std::string> expired;
  Query query = database.Run(
      "SELECT id FROM host WHERE seen IS NOT NULL AND removed = 0 "
      "AND (last_knock < ?1 OR last_knock > ?2) "
      "AND EXISTS(SELECT 1 FROM span WHERE host = id AND until = 0 "
      "AND table_number IN (?3, ?4))",
      before, now, int64_t{TableField(kOutside[0])->number()},
      int64_t{TableField(kOutside[1])->number()});
  while (query.Step()) expired.push_back(query.Text(0));
  RETURN_IF_ERROR(query.status());
  for (const std::string& host : expired) {
    ASSIGN_OR_RETURN(const Seen seen, ReadSeen(database, host));
    TableDigests left = seen.tables;
    for (const char* table : kOutside) left.erase(table);
    RETURN_IF_ERROR(ChangeSeen(database, host, seen, left, now));
  }
  return absl::OkStatus();
}

absl::Status StoreOwnTable(Database& database, const std::string& host,
                           const TableBody& body, const std::string& by,
                           int64_t now) {
  ASSIGN_OR_RETURN(const Seen before, ReadSeen(database, host));
  TableDigests after = before.tables;
  after[body.table] = body.digest;
  if (after == before.tables) return absl::OkStatus();
  RETURN_IF_ERROR(StoreBodies(database, host, {body}));
  RETURN_IF_ERROR(ChangeSeen(database, host, before, after, now));
  return database.Execute(
      "UPDATE span SET by = ? WHERE host = ? AND table_number = ? "
      "AND until = 0",
      by, host, int64_t{TableField(body.table)->number()});
}

absl::Status NoteLogins(Database& database, const HostUpdate& update) {
  if (update.events.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Seen before, ReadSeen(database, update.host));
  TableDigests after = before.tables;
  const auto known = before.tables.find(kLogins);
  const bool is_known = known != before.tables.end();
  if (SaysUnread(update.events.back())) {
    after.erase(kLogins);
    return ChangeSeen(database, update.host, before, after, update.now);
  }
  if (is_known && std::ranges::none_of(update.events, IsLogin))
    return absl::OkStatus();
  const auto body =
      LoginsAfter(database, update, is_known ? known->second : "");
  if (!body.ok()) {
    // What is damaged must not keep records from being stored; the table is made
    // anew from events the next time.
    Log(Priority::kError, fmt::format("host {}: {}: {}",
                                      enc::Log(HostText(update.host)), kLogins,
                                      Message(body.status())));
    after.erase(kLogins);
  } else {
    RETURN_IF_ERROR(StoreBodies(database, update.host, {*body}));
    after[kLogins] = body->digest;
  }
  return ChangeSeen(database, update.host, before, after, update.now);
}

}  // namespace metsuke
