#include "controller/store/heard.h"

namespace metsuke {

absl::StatusOr<int64_t> LastHeard(Database& database, int64_t now) {
  Query query = database.Run(
      "SELECT coalesce(max(last_seen), 0) FROM host "
      "WHERE removed = 0 AND last_seen <= ?",
      now);
  query.Step();
  RETURN_IF_ERROR(query.status());
  return query.Int(0);
}

namespace {

// What was noted while the clock was ahead would keep a host from being silent
// until that time comes.
absl::Status TurnBack(Database& database, const std::string& host, int64_t now,
                      const SilenceRule& silence) {
  RETURN_IF_ERROR(database.Execute(
      "UPDATE host SET last_seen = ?2 WHERE id = ?1 AND removed = 0 "
      "AND last_seen > ?2 + ?3",
      host, now, silence.after));
  if (database.changes() == 0) return absl::OkStatus();
  // Of a longer time nobody knows when in it the host was heard of.
  RETURN_IF_ERROR(database.Execute(
      "DELETE FROM silence WHERE host = ?1 AND until > ?2 AND since + ?3 >= ?2",
      host, now, silence.after));
  return database.Execute(
      "UPDATE silence SET until = ?2 WHERE host = ?1 AND until > ?2", host,
      now);
}

}  // namespace

absl::Status StoreHeard(Database& database, const std::string& host,
                        int64_t now, const SilenceRule& silence) {
  RETURN_IF_ERROR(TurnBack(database, host, now, silence));
  RETURN_IF_ERROR(database.Execute(
      "INSERT OR IGNORE INTO silence(host, since, until) "
      "SELECT id, last_seen, ?2 FROM host WHERE id = ?1 AND removed = 0 "
      "AND (last_seen = 0 OR ?2 - max(last_seen, iif(?4 > ?2, 0, ?4)) > ?3 "
      "OR ?5 - last_seen > ?3)",
      host, now, silence.after, silence.listening, silence.stopped));
  return database.Execute(
      "UPDATE host SET last_seen = max(last_seen, ?2) "
      "WHERE id = ?1 AND removed = 0",
      host, now);
}

}  // namespace metsuke
