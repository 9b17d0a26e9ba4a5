#include "controller/store/registers.h"

#include <algorithm>
#include <utility>

#include "controller/known_tables.h"
#include "controller/store/body.h"
#include "controller/store/fleet.h"
#include "controller/store/labels.h"
#include "controller/store/observation.h"
#include "proto/canonical.h"
#include "proto/register.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

constexpr char kLabels[] = "labels";

// The row of `query`, whose columns are register, digest, since, until and by.
RegisterTime ReadTime(const Query& query) {
  const auto* field = v1::Registers::descriptor()->FindFieldByNumber(
      static_cast<int>(query.Int(0)));
  return {.name = field != nullptr ? field->name() : "",
          .digest = query.Text(1),
          .since = query.Int(2),
          .until = query.Int(3),
          .by = query.Text(4)};
}

absl::StatusOr<std::vector<RegisterTime>> ReadAll(Query query) {
  std::vector<RegisterTime> times;
  while (query.Step()) {
    RegisterTime time = ReadTime(query);
    // A register that was done away with is not told.
    if (!time.name.empty()) times.push_back(std::move(time));
  }
  RETURN_IF_ERROR(query.status());
  return times;
}

absl::Status StoreRegister(Database& database, const TableBody& body,
                           const std::string& by, int64_t now) {
  const auto* field = RegisterField(body.table);
  if (field == nullptr)
    return absl::InvalidArgumentError("there is no register " + body.table);
  const int64_t number = field->number();
  RETURN_IF_ERROR(database.Execute(
      "INSERT INTO body(digest, table_number, size, zstd) "
      "VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
      Blob{body.digest}, number, int64_t{body.size}, Blob{body.zstd}));
  ASSIGN_OR_RETURN(const std::vector<RegisterTime> times,
                   SelectRegisterHistory(database, body.table));
  if (!times.empty() && times[0].digest == body.digest) return absl::OkStatus();
  // Whatever the clock does, every change that an operator made is told, in the
  // order in which it was made.
  const int64_t since = times.empty() ? now : std::max(now, times[0].since + 1);
  RETURN_IF_ERROR(database.Execute(
      "UPDATE register SET until = ? WHERE register = ? AND until = 0", since,
      number));
  return database.Execute(
      "INSERT INTO register(register, since, until, digest, by) "
      "VALUES(?, ?, 0, ?, ?)",
      number, since, Blob{body.digest}, by);
}

// What the host's labels are as a table.
absl::StatusOr<TableBody> LabelBody(Database& database,
                                    const std::string& host) {
  v1::Snapshot snapshot;
  Query query =
      database.Run("SELECT key, value FROM label WHERE host = ?", host);
  while (query.Step()) {
    v1::Label& label = *snapshot.add_labels();
    label.set_key(query.Text(0));
    label.set_value(query.Text(1));
  }
  RETURN_IF_ERROR(query.status());
  return MakeBody(kLabels, CanonicalTable(snapshot, TableField(kLabels)));
}

}  // namespace

absl::StatusOr<std::vector<RegisterTime>> SelectRegisters(Database& database,
                                                          int64_t at) {
  return ReadAll(
      database.Run("SELECT register, digest, since, until, by FROM register "
                   "WHERE (?1 = 0 AND until = 0) "
                   "OR (?1 > 0 AND since <= ?1 AND (until = 0 OR until > ?1)) "
                   "ORDER BY register",
                   at));
}

absl::StatusOr<std::vector<RegisterTime>> SelectRegisterHistory(
    Database& database, const std::string& name) {
  const auto* field = RegisterField(name);
  if (field == nullptr)
    return absl::NotFoundError("there is no register " + name);
  const int64_t number = field->number();
  return ReadAll(
      database.Run("SELECT register, digest, since, until, by FROM register "
                   "WHERE register = ? ORDER BY since DESC",
                   number));
}

absl::Status StoreRegisters(Database& database, const RegisterUpdate& update) {
  for (const TableBody& body : update.bodies)
    RETURN_IF_ERROR(StoreRegister(database, body, update.by, update.now));
  for (const LabelChange& change : update.labels)
    RETURN_IF_ERROR(StoreLabels(database, change, update.by, update.now));
  return absl::OkStatus();
}

absl::Status StoreLabels(Database& database, const LabelChange& change,
                         const std::string& by, int64_t now) {
  std::vector<std::pair<std::string, std::string>> set;
  for (const std::string& text : change.set) {
    ASSIGN_OR_RETURN(auto pair, ParseLabel(text));
    set.push_back(std::move(pair));
  }
  for (const std::string& key : change.remove)
    RETURN_IF_ERROR(CheckLabelKey(key));
  ASSIGN_OR_RETURN(const v1::HostEntry host, SelectHost(database, change.host));
  for (const auto& [key, value] : set)
    RETURN_IF_ERROR(
        database.Execute("INSERT INTO label(host, key, value) VALUES(?, ?, ?) "
                         "ON CONFLICT DO UPDATE SET value = excluded.value",
                         host.id(), key, value));
  for (const std::string& key : change.remove)
    RETURN_IF_ERROR(database.Execute(
        "DELETE FROM label WHERE host = ? AND key = ?", host.id(), key));
  ASSIGN_OR_RETURN(const TableBody body, LabelBody(database, host.id()));
  return StoreOwnTable(database, host.id(), body, by, now);
}

absl::Status MakeLabelTables(Database& database) {
  std::vector<std::pair<std::string, int64_t>> hosts;
  Query query = database.Run(
      "SELECT id, enrolled FROM host WHERE removed = 0 "
      "AND id IN (SELECT host FROM label)");
  while (query.Step()) hosts.emplace_back(query.Text(0), query.Int(1));
  RETURN_IF_ERROR(query.status());
  for (const auto& [host, enrolled] : hosts) {
    ASSIGN_OR_RETURN(const TableBody body, LabelBody(database, host));
    RETURN_IF_ERROR(StoreOwnTable(database, host, body, "", enrolled));
  }
  return absl::OkStatus();
}

}  // namespace metsuke
