#include "controller/store/tidy.h"

#include "controller/store/events.h"
#include "controller/store/reports.h"
#include "proto/status.h"

namespace metsuke {
namespace {

#define METSUKE_GONE \
  "(SELECT id FROM host WHERE removed <> 0 AND removed < ?1)"

// A loss is noticed before its host is removed and so is forgotten already.
// Each forgets on its own; those that follow from others come after them. The
// row of a removed host stays, so that its id is refused for ever.
constexpr Sql kOfTime[] = {
    "DELETE FROM span WHERE until <> 0 AND until < ?1",
    "DELETE FROM span WHERE host IN " METSUKE_GONE,
    "DELETE FROM label WHERE host IN " METSUKE_GONE,
    "DELETE FROM stream WHERE host IN " METSUKE_GONE,
    "DELETE FROM finding WHERE host IN " METSUKE_GONE,
    "DELETE FROM behind WHERE host IN " METSUKE_GONE,
    "UPDATE host SET state = NULL, seen = NULL, name = id, os_name = '' "
    "WHERE removed <> 0 AND removed < ?1 "
    "AND (state IS NOT NULL OR seen IS NOT NULL)",
};
// Nothing follows from these.
constexpr Sql kSilences[] = {
    "DELETE FROM silence WHERE until < ?1",
    "DELETE FROM silence WHERE host IN " METSUKE_GONE,
};
constexpr Sql kOrphans[] = {
    "DELETE FROM body_from WHERE NOT EXISTS (SELECT 1 FROM span WHERE "
    "span.host = body_from.host AND span.digest = body_from.digest)",
    "DELETE FROM body WHERE digest NOT IN (SELECT digest FROM span) "
    "AND digest NOT IN (SELECT digest FROM register)",
    "DELETE FROM state WHERE digest NOT IN "
    "(SELECT state FROM host WHERE state IS NOT NULL "
    "UNION SELECT seen FROM host WHERE seen IS NOT NULL)",
};

#undef METSUKE_GONE

}  // namespace

absl::Status ForgetBefore(Database& database, int64_t before) {
  RETURN_IF_ERROR(
      database.Execute("DELETE FROM loss WHERE noticed < ?", before));
  // The count follows, as in StoreLosses.
  if (database.changes() > 0)
    RETURN_IF_ERROR(database.Execute(
        "UPDATE host SET lost = (SELECT CAST(min(total(last - first + 1), "
        "9e18) AS INTEGER) FROM loss WHERE loss.host = host.id) "
        "WHERE lost > 0"));
  // Nothing refers to events, and they refer to nothing.
  RETURN_IF_ERROR(ForgetEvents(database, before));
  RETURN_IF_ERROR(ForgetReports(database, before));
  for (const Sql statement : kSilences)
    RETURN_IF_ERROR(database.Execute(statement, before));
  int64_t forgotten = 0;
  for (const Sql statement : kOfTime) {
    RETURN_IF_ERROR(database.Execute(statement, before));
    forgotten += database.changes();
  }
  // To look for what nothing refers to is slow, and nothing new can be.
  if (forgotten == 0) return absl::OkStatus();
  for (const Sql statement : kOrphans)
    RETURN_IF_ERROR(database.Execute(statement));
  return absl::OkStatus();
}

absl::Status ForgetStreams(Database& database, const std::string& host) {
  return database.Execute(
      "DELETE FROM stream WHERE host = ?1 AND stream NOT IN (SELECT stream "
      "FROM stream WHERE host = ?1 ORDER BY used DESC, acknowledged DESC "
      "LIMIT 15)",
      host);
}

}  // namespace metsuke
