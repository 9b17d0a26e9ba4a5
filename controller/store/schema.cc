#include "controller/store/schema.h"

#include <fmt/format.h>

#include "controller/store/registers.h"

namespace metsuke {
namespace {

// What a new database and one that is brought up to date both get.
#define METSUKE_EVENT_TABLE                                \
  "CREATE TABLE event("                                    \
  "  host TEXT NOT NULL,"                                  \
  "  time INTEGER NOT NULL,"                               \
  "  id BLOB NOT NULL,"                                    \
  "  kind TEXT NOT NULL,"                                  \
  "  count INTEGER NOT NULL,"                              \
  "  event BLOB NOT NULL,"                                 \
  "  PRIMARY KEY(host, time, id)) STRICT, WITHOUT ROWID;"  \
  "CREATE INDEX event_kind ON event(host, kind, time, id);"

// Since when a register is as it is, and who made it so.
#define METSUKE_REGISTER_TABLE   \
  "CREATE TABLE register("       \
  "  register INTEGER NOT NULL," \
  "  since INTEGER NOT NULL,"    \
  "  until INTEGER NOT NULL,"    \
  "  digest BLOB NOT NULL,"      \
  "  by TEXT NOT NULL,"          \
  "  PRIMARY KEY(register, since)) STRICT, WITHOUT ROWID;"

// The reports of the nights; since when which control fails on which host; until
// when the last report that was begun tells; and of each host that has told of
// an earlier time since, the instant before the first of it.
#define METSUKE_REPORT_TABLES                             \
  "CREATE TABLE report("                                  \
  "  day TEXT NOT NULL PRIMARY KEY,"                      \
  "  since INTEGER NOT NULL,"                             \
  "  until INTEGER NOT NULL,"                             \
  "  entry BLOB NOT NULL,"                                \
  "  size INTEGER NOT NULL,"                              \
  "  zstd BLOB NOT NULL) STRICT;"                         \
  "CREATE TABLE finding("                                 \
  "  host TEXT NOT NULL,"                                 \
  "  control TEXT NOT NULL,"                              \
  "  since INTEGER NOT NULL,"                             \
  "  until INTEGER NOT NULL,"                             \
  "  PRIMARY KEY(host, control, since)) STRICT, WITHOUT ROWID;" \
  "CREATE TABLE horizon(until INTEGER NOT NULL) STRICT;"  \
  "CREATE TABLE behind("                                  \
  "  host TEXT NOT NULL PRIMARY KEY,"                     \
  "  until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

// The reports of nights about some of the hosts; and to whom which report goes,
// with when that is tried next, 0 when it is not.
#define METSUKE_DELIVERY_TABLES                                \
  "CREATE TABLE report_part("                                  \
  "  day TEXT NOT NULL,"                                       \
  "  selector TEXT NOT NULL,"                                  \
  "  size INTEGER NOT NULL,"                                   \
  "  zstd BLOB NOT NULL,"                                      \
  "  PRIMARY KEY(day, selector)) STRICT;"                      \
  "CREATE TABLE delivery("                                     \
  "  day TEXT NOT NULL,"                                       \
  "  recipient TEXT NOT NULL,"                                 \
  "  address TEXT NOT NULL,"                                   \
  "  queued INTEGER NOT NULL,"                                 \
  "  next INTEGER NOT NULL,"                                   \
  "  delivery BLOB NOT NULL,"                                  \
  "  PRIMARY KEY(day, recipient, address)) STRICT, WITHOUT ROWID;" \
  "CREATE INDEX delivery_next ON delivery(next) WHERE next <> 0;"

// When a host was not heard of: after `since`, 0 for never, and before `until`.
// One that lasts is not among them, it follows from host.last_seen.
#define METSUKE_SILENCE_TABLE  \
  "CREATE TABLE silence("      \
  "  host TEXT NOT NULL,"      \
  "  since INTEGER NOT NULL,"  \
  "  until INTEGER NOT NULL,"  \
  "  PRIMARY KEY(host, since)) STRICT, WITHOUT ROWID;"

// Keys begin with the host or the digest, so that the fleet can be spread over
// several databases. A table is known by its field number in Snapshot, a
// register by that in Registers, which never change. `until` is 0 while a span
// lasts.
constexpr char kSchema[] = R"(
BEGIN IMMEDIATE;
CREATE TABLE body(
  digest BLOB NOT NULL PRIMARY KEY,
  table_number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  zstd BLOB NOT NULL) STRICT;
CREATE TABLE body_from(
  host TEXT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY(host, digest)) STRICT, WITHOUT ROWID;
CREATE TABLE state(
  digest BLOB NOT NULL PRIMARY KEY,
  tables BLOB NOT NULL) STRICT;
CREATE TABLE host(
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  enrolled INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  version TEXT NOT NULL,
  os_name TEXT NOT NULL,
  state BLOB,
  state_since INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  seen BLOB,
  seen_since INTEGER NOT NULL DEFAULT 0,
  last_knock INTEGER NOT NULL DEFAULT 0,
  knocked_for BLOB NOT NULL DEFAULT x'',
  knock_address TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX host_name ON host(name, id);
CREATE TABLE stream(
  host TEXT NOT NULL,
  stream BLOB NOT NULL,
  acknowledged INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(host, stream)) STRICT, WITHOUT ROWID;
CREATE TABLE label(
  host TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY(host, key)) STRICT, WITHOUT ROWID;
CREATE TABLE span(
  host TEXT NOT NULL,
  table_number INTEGER NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  digest BLOB NOT NULL,
  by TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(host, table_number, since)) STRICT, WITHOUT ROWID;
CREATE TABLE loss(
  host TEXT NOT NULL,
  stream BLOB NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  reason TEXT NOT NULL,
  noticed INTEGER NOT NULL,
  stored INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(host, stream, first)) STRICT, WITHOUT ROWID;
)" METSUKE_EVENT_TABLE METSUKE_REGISTER_TABLE METSUKE_REPORT_TABLES METSUKE_DELIVERY_TABLES METSUKE_SILENCE_TABLE R"(CREATE TABLE baseline(
  version TEXT NOT NULL PRIMARY KEY,
  files BLOB NOT NULL) STRICT;
CREATE TABLE baseline_applied(
  number INTEGER PRIMARY KEY,
  version TEXT NOT NULL,
  applied INTEGER NOT NULL,
  by TEXT NOT NULL) STRICT;
PRAGMA user_version = 8;
COMMIT;
)";
static_assert(kSchemaVersion == 8, "kSchema says so too");

// What the controller itself saw of a host came with the second.
constexpr char kFromOneToTwo[] = R"(
BEGIN IMMEDIATE;
ALTER TABLE host ADD COLUMN seen BLOB;
ALTER TABLE host ADD COLUMN seen_since INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 2;
COMMIT;
)";

// When it last looked, why and where, and when a stream was last used, with the
// third. What was seen until then is taken for as old as the change.
constexpr char kFromTwoToThree[] = R"(
BEGIN IMMEDIATE;
ALTER TABLE host ADD COLUMN last_knock INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN knocked_for BLOB NOT NULL DEFAULT x'';
ALTER TABLE host ADD COLUMN knock_address TEXT NOT NULL DEFAULT '';
ALTER TABLE host ADD COLUMN address TEXT NOT NULL DEFAULT '';
UPDATE host SET last_knock = CAST(strftime('%s') AS INTEGER)
  WHERE seen IS NOT NULL;
ALTER TABLE stream ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 3;
COMMIT;
)";

// What happened on hosts came with the fourth.
constexpr char kFromThreeToFour[] = R"(
BEGIN IMMEDIATE;
)" METSUKE_EVENT_TABLE R"(PRAGMA user_version = 4;
COMMIT;
)";

// Registers came with the fifth, and with them labels as a table of their host.
constexpr char kFromFourToFive[] =
    R"(
BEGIN IMMEDIATE;
)" METSUKE_REGISTER_TABLE
    R"(ALTER TABLE span ADD COLUMN by TEXT NOT NULL DEFAULT '';
)";
constexpr char kIsFive[] = "PRAGMA user_version = 5; COMMIT;";

// Reports came with the sixth, and with them when a loss was last told of.
constexpr char kFromFiveToSix[] = R"(
BEGIN IMMEDIATE;
)" METSUKE_REPORT_TABLES R"(ALTER TABLE loss ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 6;
COMMIT;
)";

// Where reports go came with the seventh.
constexpr char kFromSixToSeven[] = R"(
BEGIN IMMEDIATE;
)" METSUKE_DELIVERY_TABLES R"(PRAGMA user_version = 7;
COMMIT;
)";

// Silences that are over came with the eighth; none is known of before.
constexpr char kFromSevenToEight[] = R"(
BEGIN IMMEDIATE;
)" METSUKE_SILENCE_TABLE R"(PRAGMA user_version = 8;
COMMIT;
)";

#undef METSUKE_SILENCE_TABLE
#undef METSUKE_DELIVERY_TABLES
#undef METSUKE_REPORT_TABLES
#undef METSUKE_REGISTER_TABLE
#undef METSUKE_EVENT_TABLE

absl::Status FromFourToFive(Database& database) {
  RETURN_IF_ERROR(database.ExecuteAll(kFromFourToFive));
  if (absl::Status made = MakeLabelTables(database); !made.ok()) {
    (void)database.Execute("ROLLBACK");
    return made;
  }
  return database.ExecuteAll(kIsFive);
}

absl::StatusOr<int64_t> UserVersion(Database& database) {
  Query query = database.Run("PRAGMA user_version");
  query.Step();
  RETURN_IF_ERROR(query.status());
  return query.Int(0);
}

absl::Status Prepare(Database& database) {
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
                    nullptr);
  return database.ExecuteAll(
      "PRAGMA foreign_keys = OFF; PRAGMA cell_size_check = ON");
}

absl::Status CheckVersion(Database& database, const std::string& path) {
  ASSIGN_OR_RETURN(const int64_t version, UserVersion(database));
  if (version == 0) return database.ExecuteAll(kSchema);
  if (version == kSchemaVersion) return absl::OkStatus();
  if (version < kSchemaVersion) {
    if (version < 2) RETURN_IF_ERROR(database.ExecuteAll(kFromOneToTwo));
    if (version < 3) RETURN_IF_ERROR(database.ExecuteAll(kFromTwoToThree));
    if (version < 4) RETURN_IF_ERROR(database.ExecuteAll(kFromThreeToFour));
    if (version < 5) RETURN_IF_ERROR(FromFourToFive(database));
    if (version < 6) RETURN_IF_ERROR(database.ExecuteAll(kFromFiveToSix));
    if (version < 7) RETURN_IF_ERROR(database.ExecuteAll(kFromSixToSeven));
    return database.ExecuteAll(kFromSevenToEight);
  }
  return absl::FailedPreconditionError(fmt::format(
      "{}: has schema version {}, this program knows {}; it was made by a "
      "newer metsuke-controller: install that version",
      path, version, kSchemaVersion));
}

}  // namespace

absl::StatusOr<Database> OpenForWriting(const std::string& path) {
  ASSIGN_OR_RETURN(
      Database database,
      Database::Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  RETURN_IF_ERROR(Annotate(Prepare(database), path));
  // FULL syncs the log at each commit: what is acknowledged survives a power
  // cut. SQLite before 3.51.3 can corrupt the log when one connection commits
  // while another checkpoints (https://sqlite.org/wal.html#walresetbug), so
  // nobody but the one writing thread checkpoints, and only when it says so.
  RETURN_IF_ERROR(
      Annotate(database.ExecuteAll("PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA wal_autocheckpoint = 0;"
                                   "PRAGMA journal_size_limit = 67108864;"
                                   "PRAGMA cache_size = -65536"),
               path));
  RETURN_IF_ERROR(Annotate(CheckVersion(database, path), path));
  return database;
}

absl::StatusOr<Database> OpenForReading(const std::string& path) {
  ASSIGN_OR_RETURN(Database database,
                   Database::Open(path, SQLITE_OPEN_READONLY));
  RETURN_IF_ERROR(Annotate(Prepare(database), path));
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                    nullptr);
  RETURN_IF_ERROR(Annotate(database.ExecuteAll("PRAGMA query_only = ON;"
                                               "PRAGMA wal_autocheckpoint = 0;"
                                               "PRAGMA busy_timeout = 5000;"
                                               "PRAGMA cache_size = -16384"),
                           path));
  return database;
}

}  // namespace metsuke
