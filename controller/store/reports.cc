#include "controller/store/reports.h"

#include <fmt/format.h>

#include "controller/store/body.h"
#include "controller/store/deliveries.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

absl::Status StoreBytes(Database& database, const NightReport& report) {
  const std::string entry = report.entry.SerializeAsString();
  const std::string zstd = Compress(report.bytes);
  RETURN_IF_ERROR(database.Execute(
      "INSERT INTO report(day, since, until, entry, size, zstd) "
      "VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      report.entry.day(), report.entry.from(), report.entry.to(), Blob{entry},
      static_cast<int64_t>(report.bytes.size()), Blob{zstd}));
  if (database.changes() == 1) return absl::OkStatus();
  return absl::AlreadyExistsError(report.entry.day() + " has a report");
}

}  // namespace

absl::Status NoteLate(Database& database, const std::string& host,
                      int64_t since) {
  return database.Execute(
      "INSERT INTO behind(host, until) SELECT ?1, ?2 - 1 "
      "WHERE ?2 <= (SELECT max(until) FROM horizon) "
      "ON CONFLICT DO UPDATE SET until = min(until, excluded.until)",
      host, since);
}

absl::Status SetHorizon(Database& database, int64_t until) {
  RETURN_IF_ERROR(database.Execute("DELETE FROM horizon"));
  return database.Execute("INSERT INTO horizon(until) VALUES(?)", until);
}

absl::Status StoreReport(Database& database, const NightReport& report) {
  RETURN_IF_ERROR(StoreBytes(database, report));
  RETURN_IF_ERROR(StoreDeliveries(database, report.deliveries,
                                  report.entry.day(), report.parts));
  const int64_t to = report.entry.to();
  for (const HostControl& closed : report.closed)
    RETURN_IF_ERROR(database.Execute(
        "UPDATE finding SET until = ? WHERE host = ? AND control = ? "
        "AND until = 0",
        to, closed.host, closed.control));
  for (const HostControl& opened : report.opened)
    RETURN_IF_ERROR(database.Execute(
        "INSERT INTO finding(host, control, since, until) VALUES(?, ?, ?, 0) "
        "ON CONFLICT DO UPDATE SET until = 0",
        opened.host, opened.control, opened.since));
  // What came later still stays.
  for (const auto& [host, until] : report.behind)
    RETURN_IF_ERROR(database.Execute(
        "DELETE FROM behind WHERE host = ? AND until = ?", host, until));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::ReportEntry>> SelectReports(Database& database) {
  std::vector<v1::ReportEntry> entries;
  Query query =
      database.Run("SELECT entry FROM report ORDER BY until DESC, day");
  while (query.Step())
    if (!entries.emplace_back().ParseFromString(query.Text(0)))
      return absl::DataLossError("a stored report is damaged");
  RETURN_IF_ERROR(query.status());
  return entries;
}

absl::StatusOr<std::string> SelectReport(Database& database,
                                         const std::string& day,
                                         const std::string& selector) {
  Query query = database.Run(
      "SELECT size, zstd FROM report WHERE day = ?1 AND ?2 = '' UNION ALL "
      "SELECT size, zstd FROM report_part WHERE day = ?1 AND selector = ?2",
      day, selector);
  if (!query.Step()) {
    RETURN_IF_ERROR(query.status());
    return absl::NotFoundError(
        fmt::format("{} has no report; metsukectl report list shows the nights "
                    "that have",
                    day));
  }
  return Decompress(query.Bytes(1), static_cast<size_t>(query.Int(0)));
}

absl::Status SelectFindings(Database& database, int64_t at,
                            const Store::TakeFinding& take) {
  Query query = database.Run(
      "SELECT host, control, since FROM finding "
      "WHERE since <= ?1 AND (until = 0 OR until > ?1) ORDER BY host, control",
      at);
  HostControl finding;
  while (query.Step()) {
    finding.host.assign(query.Bytes(0));
    finding.control.assign(query.Bytes(1));
    finding.since = query.Int(2);
    take(finding);
  }
  return query.status();
}

absl::StatusOr<std::map<std::string, int64_t>> SelectBehind(
    Database& database) {
  std::map<std::string, int64_t> behind;
  Query query = database.Run("SELECT host, until FROM behind");
  while (query.Step()) behind[query.Text(0)] = query.Int(1);
  RETURN_IF_ERROR(query.status());
  return behind;
}

absl::StatusOr<std::map<std::string, int64_t>> SelectTablesSince(
    Database& database, const std::string& id, int64_t at) {
  std::map<std::string, int64_t> since;
  Query query = database.Run(
      "SELECT table_number, since FROM span WHERE host = ?1 AND since <= ?2 "
      "AND (until = 0 OR until > ?2)",
      id, at);
  while (query.Step())
    if (const auto* field = v1::Snapshot::descriptor()->FindFieldByNumber(
            static_cast<int>(query.Int(0))))
      since[field->name()] = query.Int(1);
  RETURN_IF_ERROR(query.status());
  return since;
}

absl::StatusOr<std::map<std::string, std::vector<int64_t>>> SelectTableTimes(
    Database& database, const std::string& id, int64_t from, int64_t to) {
  std::map<std::string, std::vector<int64_t>> times;
  Query query = database.Run(
      "SELECT table_number, since FROM span "
      "WHERE host = ?1 AND since > ?2 AND since <= ?3 ORDER BY since",
      id, from, to);
  while (query.Step())
    if (const auto* field = v1::Snapshot::descriptor()->FindFieldByNumber(
            static_cast<int>(query.Int(0))))
      times[field->name()].push_back(query.Int(1));
  RETURN_IF_ERROR(query.status());
  return times;
}

absl::StatusOr<std::vector<HostLoss>> SelectLosses(Database& database,
                                                   int64_t from, int64_t to) {
  std::vector<HostLoss> losses;
  Query query = database.Run(
      "SELECT host, CAST(min(total(last - first + 1), 9e18) AS INTEGER), "
      "min(reason), min(noticed) FROM loss "
      "WHERE stored > ?1 AND stored <= ?2 GROUP BY host ORDER BY host",
      from, to);
  while (query.Step())
    losses.push_back({.host = query.Text(0),
                      .records = static_cast<uint64_t>(query.Int(1)),
                      .reason = query.Text(2),
                      .noticed = query.Int(3)});
  RETURN_IF_ERROR(query.status());
  return losses;
}

absl::Status ForgetReports(Database& database, int64_t before) {
  RETURN_IF_ERROR(
      database.Execute("DELETE FROM report WHERE until < ?", before));
  RETURN_IF_ERROR(ForgetDeliveries(database));
  return database.Execute("DELETE FROM finding WHERE until <> 0 AND until < ?",
                          before);
}

}  // namespace metsuke
