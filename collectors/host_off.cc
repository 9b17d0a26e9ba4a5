#include "collectors/host_off.h"

#include <utmp.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "collectors/last_login.h"
#include "collectors/log_names.h"
#include "collectors/log_reader.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int64_t kRecord = sizeof(utmp);
// Of all files of wtmp together; logs do not reach back further.
constexpr int64_t kMost = 65'536 * kRecord;
constexpr size_t kMostDatabase = 64 << 20;

// wtmpdb has one row for each boot, with its end where it was shut down. The
// columns stand for those of a login; the boot is the name, as text.
constexpr char kQuery[] =
    "SELECT Login / 1000000, 1 + ifnull(lag(Logout) OVER (ORDER BY Login), 0)"
    " / 1000000, '', '' FROM wtmp WHERE Type = 1";

// The newest records of one file of wtmp, `left` bytes at most.
std::string WholeRecords(const Host& host, const LogPiece& piece,
                         int64_t left) {
  const int64_t end = piece.info.size / kRecord * kRecord;
  const int64_t begin = std::max<int64_t>(0, end - left);
  const auto bytes =
      IsPacked(piece.path)
          ? UnpackWhole(host, piece.path, static_cast<size_t>(left))
          : host.ReadBytes(piece.path, begin, static_cast<size_t>(end - begin));
  return bytes.ok() && bytes->size() % kRecord == 0 ? *bytes : std::string();
}

// wtmp with what logrotate has made of it, the oldest record first.
std::string AllRecords(const Host& host) {
  const auto names = host.List("/var/log");
  if (!names.ok()) return {};
  std::vector<LogPiece> pieces;
  for (const std::string& name : *names) {
    if (LogBase(name) != "wtmp") continue;
    const std::string path = "/var/log/" + name;
    if (const auto info = host.Stat(path); info.ok())
      pieces.push_back({path, *info});
  }
  std::ranges::stable_sort(pieces, std::ranges::greater(),
                           [](const auto& p) { return p.info.modified; });
  std::string all;
  for (const LogPiece& piece : pieces)
    all.insert(0, WholeRecords(host, piece,
                               kMost - static_cast<int64_t>(all.size())));
  return all;
}

}  // namespace

std::vector<Pause> OffByUtmp(std::string_view records) {
  std::vector<Pause> off;
  int64_t down = 0;
  for (; records.size() >= sizeof(utmp); records.remove_prefix(sizeof(utmp))) {
    utmp record;
    memcpy(&record, records.data(), sizeof record);
    const int64_t time = static_cast<uint32_t>(record.ut_tv.tv_sec);
    // utmp(5); systemd-update-utmp(8) writes "shutdown" and "reboot" as users.
    if (record.ut_type == RUN_LVL &&
        strncmp(record.ut_user, "shutdown", sizeof record.ut_user) == 0)
      down = time;
    if (record.ut_type != BOOT_TIME) continue;
    off.push_back({down, time});
    down = 0;
  }
  return off;
}

std::vector<Pause> ReadOff(const Host& host) {
  std::vector<Pause> off = OffByUtmp(AllRecords(host));
  for (const char* path : {"/var/log/wtmp.db", "/var/lib/wtmpdb/wtmp.db"}) {
    const auto bytes = host.ReadBytes(path, 0, kMostDatabase);
    if (!bytes.ok()) continue;
    const auto boots = ParseLoginDatabase(*bytes, kQuery);
    if (!boots.ok()) continue;
    for (const auto& [boot, down] : *boots)
      off.push_back({down.time - 1, Number(boot).value_or(0)});
  }
  std::ranges::sort(off, {}, &Pause::until);
  return off;
}

}  // namespace metsuke
