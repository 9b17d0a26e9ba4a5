#include "collectors/last_login.h"

#include <fmt/format.h>
#include <lastlog.h>
#include <sqlite3.h>
#include <string.h>
#include <utmp.h>

#include <algorithm>
#include <memory>

#include "collectors/collector.h"
#include "collectors/log_names.h"
#include "collectors/log_reader.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr char kLastlog[] = "/var/log/lastlog";
constexpr char kLastlog2[] = "/var/lib/lastlog/lastlog2.db";
constexpr char kLogs[] = "/var/log";
constexpr const char* kWtmpdb[] = {"/var/log/wtmp.db",
                                   "/var/lib/wtmpdb/wtmp.db"};

// Of all files of wtmp together the newest 174,762 records are read, 64 MiB, a
// part at a time.
constexpr int64_t kWtmpBytes = 174'762 * int64_t{sizeof(struct utmp)};
constexpr int64_t kWtmpPart = 16'384 * int64_t{sizeof(struct utmp)};
constexpr size_t kDatabaseCap = 64 << 20;

using Logins = std::map<std::string, LastLogin>;

// A character array that ends at its first NUL or at its end.
template <size_t N>
std::string FixedText(const char (&text)[N]) {
  return ToUtf8(std::string_view(text, strnlen(text, N)));
}

void Keep(Logins& logins, const std::string& name, LastLogin login) {
  LastLogin& kept = logins[name];
  if (login.time > kept.time) kept = std::move(login);
}

// lastlog is an array indexed by uid: one record is read for each account, so
// that the file may be as large as the largest uid makes it look.
absl::Status ReadLastlog(const Host& host,
                         const std::vector<PasswdEntry>& accounts,
                         Logins& logins) {
  RETURN_IF_ERROR(host.Stat(kLastlog).status());
  struct lastlog record;
  for (const PasswdEntry& account : accounts) {
    const int64_t offset = int64_t{account.uid} * sizeof(record);
    ASSIGN_OR_RETURN(const std::string bytes,
                     host.ReadBytes(kLastlog, offset, sizeof(record)));
    if (bytes.size() < sizeof(record)) continue;
    memcpy(&record, bytes.data(), sizeof(record));
    if (record.ll_time == 0) continue;
    std::string from = FixedText(record.ll_host);
    if (from.empty()) from = FixedText(record.ll_line);
    Keep(logins, account.name, {record.ll_time, std::move(from)});
  }
  return absl::OkStatus();
}

// Reads one file of wtmp, as far as `left` bytes reach back from its end.
absl::Status ReadWtmp(const Host& host, const LogPiece& piece, int64_t& left,
                      Logins& logins) {
  constexpr int64_t kRecord = sizeof(struct utmp);
  const auto add = [&](std::string_view records) {
    left -= static_cast<int64_t>(records.size());
    for (auto& [name, login] : ParseWtmp(records))
      Keep(logins, name, login);
  };
  if (IsPacked(piece.path)) {
    ASSIGN_OR_RETURN(const std::string records,
                     UnpackWhole(host, piece.path, static_cast<size_t>(left)));
    add(records);
    return absl::OkStatus();
  }
  const int64_t end = piece.info.size / kRecord * kRecord;
  const int64_t start = std::max<int64_t>(0, end - left / kRecord * kRecord);
  for (int64_t at = start; at < end; at += kWtmpPart) {
    ASSIGN_OR_RETURN(const std::string records,
                     host.ReadBytes(piece.path, at,
                                    std::min(kWtmpPart, end - at)));
    add(records);
  }
  if (start == 0) return absl::OkStatus();
  return absl::ResourceExhaustedError(fmt::format(
      "of all files only the newest {} records are read", kWtmpBytes / kRecord));
}

// wtmp with what logrotate has made of it, the newest first: an account that
// was not used this month is in an older file.
std::vector<LogPiece> WtmpPieces(const Host& host,
                                 const std::vector<std::string>& names) {
  std::vector<LogPiece> pieces;
  for (const std::string& name : names) {
    if (LogBase(name) != "wtmp") continue;
    const std::string path = fmt::format("{}/{}", kLogs, name);
    const auto info = host.Stat(path);
    if (info.ok()) pieces.push_back({path, *info});
  }
  std::ranges::stable_sort(pieces, std::ranges::greater(),
                           [](const auto& p) { return p.info.modified; });
  return pieces;
}

absl::Status ReadDatabase(const Host& host, const char* path, const char* query,
                          Logins& logins) {
  ASSIGN_OR_RETURN(const FileInfo info, host.Stat(path));
  if (info.size > int64_t{kDatabaseCap})
    return absl::ResourceExhaustedError("larger than 64 MiB");
  ASSIGN_OR_RETURN(std::string bytes, host.ReadBytes(path, 0, kDatabaseCap));
  ASSIGN_OR_RETURN(Logins found, ParseLoginDatabase(std::move(bytes), query));
  for (auto& [name, login] : found) Keep(logins, name, std::move(login));
  return absl::OkStatus();
}

std::string Column(sqlite3_stmt* statement, int column) {
  const auto* text = sqlite3_column_text(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return text ? ToUtf8({reinterpret_cast<const char*>(text),
                        static_cast<size_t>(size)})
              : std::string();
}

absl::Status BadDatabase(sqlite3* database) {
  return absl::InvalidArgumentError(std::string("not a database of logins: ") +
                                    sqlite3_errmsg(database));
}

}  // namespace

Logins ParseWtmp(std::string_view records) {
  Logins logins;
  struct utmp record;
  for (; records.size() >= sizeof(record);
       records.remove_prefix(sizeof(record))) {
    memcpy(&record, records.data(), sizeof(record));
    if (record.ut_type != USER_PROCESS) continue;
    std::string from = FixedText(record.ut_host);
    if (from.empty()) from = FixedText(record.ut_line);
    Keep(logins, FixedText(record.ut_user),
         {record.ut_tv.tv_sec, std::move(from)});
  }
  return logins;
}

absl::StatusOr<Logins> ParseLoginDatabase(std::string bytes,
                                          const char* query) {
  if (!bytes.starts_with(std::string_view("SQLite format 3\0", 16)) ||
      bytes.size() < 100)
    return absl::InvalidArgumentError("not an SQLite file");
  // A database in memory has no write-ahead log: SQLite opens it only when its
  // header (bytes 18 and 19 of the file format) says so.
  bytes[18] = bytes[19] = 1;
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(
      ":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw,
                                                             sqlite3_close);
  if (opened != SQLITE_OK) return BadDatabase(raw);
  // The host wrote the file: its schema must not be able to call anything, and
  // a damaged or hostile one must not take long.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 1 << 20);
  int budget = 200;
  sqlite3_progress_handler(
      raw, 100'000,
      [](void* left) -> int { return --*static_cast<int*>(left) < 0; },
      &budget);
  if (sqlite3_deserialize(
          raw, "main", reinterpret_cast<unsigned char*>(bytes.data()),
          bytes.size(), bytes.size(), SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
    return BadDatabase(raw);
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(raw, query, -1, &prepared, nullptr) != SQLITE_OK)
    return BadDatabase(raw);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(
      prepared, sqlite3_finalize);
  Logins logins;
  int step;
  while ((step = sqlite3_step(prepared)) == SQLITE_ROW) {
    std::string from = Column(prepared, 2);
    if (from.empty()) from = Column(prepared, 3);
    Keep(logins, Column(prepared, 0),
         {sqlite3_column_int64(prepared, 1), std::move(from)});
  }
  if (step != SQLITE_DONE) return BadDatabase(raw);
  return logins;
}

Logins ReadLastLogins(const Host& host,
                      const std::vector<PasswdEntry>& accounts,
                      v1::Snapshot& snapshot) {
  Logins logins;
  // What stands in the way of reading a record that is there is a gap: it could
  // say that an account is in use.
  const auto check = [&](const char* path, const absl::Status& status) {
    if (!status.ok() && !absl::IsNotFound(status))
      AddGap(snapshot, "accounts", path, Message(status));
  };
  check(kLastlog, ReadLastlog(host, accounts, logins));
  check(kLastlog2, ReadDatabase(host, kLastlog2, kLastlog2Query, logins));
  for (const char* path : kWtmpdb)
    check(path, ReadDatabase(host, path, kWtmpdbQuery, logins));
  const auto names = host.List(kLogs);
  check(kLogs, names.status());
  int64_t left = kWtmpBytes;
  for (const LogPiece& piece :
       WtmpPieces(host, names.value_or(std::vector<std::string>())))
    check(piece.path.c_str(), ReadWtmp(host, piece, left, logins));
  return logins;
}

}  // namespace metsuke
