// When each account last logged in, from all records the host keeps: lastlog(5)
// and wtmp(5) of Debian 12 and of rpm hosts, lastlog2(8) and wtmpdb(8) of
// Debian 13. None of them may be taken for the others: systemd makes an empty
// lastlog and wtmp where nothing writes to them any more, and a host that was
// upgraded has old ones.

#ifndef METSUKE_COLLECTORS_LAST_LOGIN_H_
#define METSUKE_COLLECTORS_LAST_LOGIN_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/passwd.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

struct LastLogin {
  int64_t time = 0;  // seconds since 1970
  std::string from;  // host or address, else the terminal
};

// The last login of each account that ever logged in, by name: the newest of
// all records, those of rotated files included. One that is there and cannot be
// read, or not as a whole, is a gap of the table accounts in `snapshot`.
std::map<std::string, LastLogin> ReadLastLogins(
    const Host& host, const std::vector<PasswdEntry>& accounts,
    v1::Snapshot& snapshot);

// The logins in `records`, whole struct utmp of wtmp(5), by name.
std::map<std::string, LastLogin> ParseWtmp(std::string_view records);

// The logins in an SQLite file of lastlog2 or wtmpdb, given as its bytes, by
// name; `query` returns name, seconds, host and terminal. InvalidArgument when
// it is no such file.
absl::StatusOr<std::map<std::string, LastLogin>> ParseLoginDatabase(
    std::string bytes, const char* query);
inline constexpr char kLastlog2Query[] =
    "SELECT Name, Time, RemoteHost, TTY FROM Lastlog2";
// wtmpdb counts microseconds; type 3 is USER_PROCESS.
inline constexpr char kWtmpdbQuery[] =
    "SELECT User, max(Login) / 1000000, RemoteHost, TTY FROM wtmp"
    " WHERE Type = 3 GROUP BY User";

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LAST_LOGIN_H_
