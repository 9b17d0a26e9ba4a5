#include "collectors/last_login.h"

#include <lastlog.h>
#include <sqlite3.h>
#include <string.h>
#include <utmp.h>

#include <utility>

#include "collectors/collector.h"
#include "collectors/login_database.h"
#include "collectors/wtmp.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr char kLastlog[] = "/var/log/lastlog";
constexpr char kLastlog2[] = "/var/lib/lastlog/lastlog2.db";

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

absl::Status ReadDatabase(const Host& host, const char* path, const char* query,
                          Logins& logins) {
  ASSIGN_OR_RETURN(std::string bytes, ReadLoginDatabase(host, path));
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
  Logins logins;
  RETURN_IF_ERROR(QueryLoginDatabase(
      std::move(bytes), query, [&](sqlite3_stmt* row) {
        std::string from = Column(row, 2);
        if (from.empty()) from = Column(row, 3);
        Keep(logins, Column(row, 0),
             {sqlite3_column_int64(row, 1), std::move(from)});
      }));
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
  ReadWtmp(
      host,
      [&](std::string_view records) {
        for (auto& [name, login] : ParseWtmp(records)) Keep(logins, name, login);
      },
      [&](const std::string& path, const absl::Status& status) {
        check(path.c_str(), status);
      });
  return logins;
}

}  // namespace metsuke
