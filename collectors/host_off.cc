#include "collectors/host_off.h"

#include <sqlite3.h>
#include <utmp.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "collectors/login_database.h"
#include "collectors/wtmp.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// wtmpdb has one row for each boot, with its end where it was shut down. Of the
// first boot nobody wrote down what was before.
constexpr char kBoots[] =
    "SELECT ifnull(lag(Logout) OVER (ORDER BY Login), 0) / 1000000,"
    " Login / 1000000 FROM wtmp WHERE Type = 1";

// A boot or a shutdown that was written down.
struct Turn {
  int64_t time;
  bool on;
};

// Those in whole records of utmp(5).
void AddTurns(std::string_view records, std::vector<Turn>& turns) {
  for (; records.size() >= sizeof(utmp); records.remove_prefix(sizeof(utmp))) {
    utmp record;
    memcpy(&record, records.data(), sizeof record);
    const int64_t time = static_cast<uint32_t>(record.ut_tv.tv_sec);
    // systemd-update-utmp(8) writes "shutdown" and "reboot" as users.
    const bool down =
        record.ut_type == RUN_LVL &&
        strncmp(record.ut_user, "shutdown", sizeof record.ut_user) == 0;
    if (down || record.ut_type == BOOT_TIME) turns.push_back({time, !down});
  }
}

std::vector<Pause> OffBetween(std::vector<Turn> turns) {
  std::ranges::stable_sort(turns, {}, &Turn::time);
  std::vector<Pause> off;
  int64_t down = 0;
  for (const Turn& turn : turns) {
    if (turn.on) off.push_back({down, turn.time});
    down = turn.on ? 0 : turn.time;
  }
  return off;
}

}  // namespace

std::vector<Pause> ReadOff(const Host& host, Gaps& gaps) {
  // Without them the host seems to have been on.
  const auto trouble = [&](const std::string& path,
                           const absl::Status& status) {
    if (!absl::IsNotFound(status))
      gaps.Add(path, "when the host was off: " + Message(status));
  };
  std::vector<Turn> turns;
  ReadWtmp(
      host, [&](std::string_view records) { AddTurns(records, turns); },
      trouble);
  std::vector<Pause> off = OffBetween(std::move(turns));
  for (const char* path : kWtmpdb) {
    auto bytes = ReadLoginDatabase(host, path);
    const absl::Status read =
        bytes.ok() ? QueryLoginDatabase(
                         *std::move(bytes), kBoots,
                         [&](sqlite3_stmt* row) {
                           off.push_back({sqlite3_column_int64(row, 0),
                                          sqlite3_column_int64(row, 1)});
                         })
                   : bytes.status();
    if (!read.ok()) trouble(path, read);
  }
  std::ranges::sort(off, {}, &Pause::until);
  return off;
}

}  // namespace metsuke
