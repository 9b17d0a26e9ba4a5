#include "collectors/log_reader.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <utmp.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <iterator>
#include <set>

#include "collectors/last_login.h"
#include "collectors/login_database.h"
#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What is read of each end of a log, and unpacked of a compressed one.
constexpr size_t kEnd = 64 << 10;

constexpr int64_t kDay = 86400;  // seconds

// Which times can be those of records. What is later than the file was written,
// by more than clocks and zones are off, was made up; what is later than now, by
// a week, was written by a clock that was ahead. One such time would make all
// other logs look as if they had ended.
class Plausible {
 public:
  // A journal and a database bear times of their own: what maps a file or keeps
  // a log beside it leaves the file's as it was.
  Plausible() : most_(std::time(nullptr) + 7 * kDay) {}
  explicit Plausible(int64_t written) : Plausible() {
    most_ = std::min(most_, written + kDay);
  }

  int64_t most() const { return most_; }
  // The latest that was not; 0 when all were.
  int64_t ahead() const { return ahead_; }
  bool operator()(int64_t time) {
    if (time > most_) ahead_ = std::max(ahead_, time);
    return time <= most_;
  }

 private:
  int64_t most_;
  int64_t ahead_ = 0;
};

// The first instant in `text`; the last one when `backwards`.
std::optional<int64_t> TextTime(std::string_view text, const Zone& zone,
                                int64_t written, bool backwards,
                                Plausible& plausible) {
  auto lines = Lines(text);
  if (backwards) std::reverse(lines.begin(), lines.end());
  for (const std::string_view line : lines)
    if (const auto instant = LogTime(line, zone, written);
        instant && *instant > 0 && plausible(*instant))
      return instant;
  return {};
}

// The same of records of utmp(5); `bytes` begins with a whole one.
std::optional<int64_t> UtmpTime(std::string_view bytes, bool backwards,
                                Plausible& plausible) {
  const size_t count = bytes.size() / sizeof(utmp);
  for (size_t i = 0; i < count; ++i) {
    utmp record;
    const size_t at = backwards ? count - 1 - i : i;
    memcpy(&record, bytes.data() + at * sizeof record, sizeof record);
    // utmp(5): EMPTY is no record; neither is one without a time.
    const int64_t time = static_cast<uint32_t>(record.ut_tv.tv_sec);
    if (record.ut_type != EMPTY && time != 0 && plausible(time)) return time;
  }
  return {};
}

// The two ends of a file that may be large.
absl::StatusOr<std::optional<LogSpan>> ReadPlain(const Host& host,
                                                 LogFormat format,
                                                 const LogPiece& piece,
                                                 const Zone& zone) {
  const bool text = format == LogFormat::kText;
  const size_t end = text ? kEnd : kEnd / sizeof(utmp) * sizeof(utmp);
  // The last record of utmp begins at a multiple of its size.
  const int64_t tail =
      text ? std::max<int64_t>(0, piece.info.size - static_cast<int64_t>(end))
           : std::max<int64_t>(
                 0, piece.info.size / static_cast<int64_t>(sizeof(utmp)) *
                            static_cast<int64_t>(sizeof(utmp)) -
                        static_cast<int64_t>(end));
  ASSIGN_OR_RETURN(const std::string first, host.ReadBytes(piece.path, 0, end));
  ASSIGN_OR_RETURN(const std::string last,
                   tail == 0 ? absl::StatusOr<std::string>(first)
                             : host.ReadBytes(piece.path, tail, end));
  const int64_t written = piece.info.modified;
  Plausible plausible(written);
  const auto oldest = text ? TextTime(first, zone, written, false, plausible)
                           : UtmpTime(first, false, plausible);
  const auto newest = text ? TextTime(last, zone, written, true, plausible)
                           : UtmpTime(last, true, plausible);
  if (!oldest || !newest) return std::optional<LogSpan>();
  const auto lines = std::ranges::count(first, '\n');
  const int64_t record = !text        ? static_cast<int64_t>(sizeof(utmp))
                         : lines == 0 ? 0
                                      : static_cast<int64_t>(first.size()) / lines;
  return std::optional<LogSpan>({*oldest, *newest, record, plausible.ahead()});
}

// The first instant in a compressed file; 0 when there is none.
absl::StatusOr<int64_t> ReadPackedHead(const Host& host, LogFormat format,
                                       const LogPiece& piece,
                                       const Zone& zone) {
  ASSIGN_OR_RETURN(const std::string first,
                   UnpackHead(host, piece.path, kEnd));
  const int64_t written = piece.info.modified;
  Plausible plausible(written);
  const auto oldest = format == LogFormat::kText
                          ? TextTime(first, zone, written, false, plausible)
                          : UtmpTime(first, false, plausible);
  return oldest.value_or(0);
}

// The beginning of a compressed file; its end would cost reading all of it, so
// the file's last change stands for its last record, as what compresses keeps it.
absl::StatusOr<std::optional<LogSpan>> ReadPacked(const Host& host,
                                                  LogFormat format,
                                                  const LogPiece& piece,
                                                  const Zone& zone) {
  absl::StatusOr<int64_t> oldest = 0;
  // Nothing comes out of a .bz2 file before 900 kB of it are unpacked.
  const std::string said = host.Remember(
      fmt::format("head {} {:x}", format == LogFormat::kText, zone.id()),
      piece.path, [&] {
        oldest = ReadPackedHead(host, format, piece, zone);
        return oldest.ok() ? fmt::format("{}", *oldest) : "";
      });
  if (said.empty()) return oldest.status();
  oldest = Number(said).value_or(0);
  if (*oldest == 0) return std::optional<LogSpan>();
  return std::optional<LogSpan>(
      {*oldest, std::max(*oldest, std::min(piece.info.modified,
                                           Plausible().most()))});
}

// The database of wtmpdb(8), with times in microseconds.
absl::StatusOr<std::optional<LogSpan>> ReadWtmpdb(const Host& host,
                                                  const LogPiece& piece) {
  ASSIGN_OR_RETURN(std::string bytes, ReadLoginDatabase(host, piece.path));
  std::optional<LogSpan> span;
  if (bytes.empty()) return span;
  Plausible plausible;
  RETURN_IF_ERROR(QueryLoginDatabase(
      std::move(bytes),
      "SELECT Login / 1000000 FROM wtmp WHERE Login IS NOT NULL UNION ALL "
      "SELECT Logout / 1000000 FROM wtmp WHERE Logout IS NOT NULL",
      [&](sqlite3_stmt* row) {
        const int64_t time = sqlite3_column_int64(row, 0);
        if (plausible(time)) Join({time, time}, span);
      }));
  if (span) span->ahead = plausible.ahead();
  return span;
}

// The first and the last of the logins that a file of last logins holds.
absl::StatusOr<std::optional<LogSpan>> ReadLastlog(const Host& host,
                                                   const std::string& path) {
  constexpr size_t kMost = 16 << 20;
  // lastlog(5): seconds, a line of 32 bytes and a host of 256, by user id.
  constexpr size_t kRecord = 292;
  ASSIGN_OR_RETURN(const std::string bytes,
                   host.ReadBytes(path, 0, kMost + 1));
  if (bytes.size() > kMost)
    return absl::ResourceExhaustedError(
        fmt::format("{}: larger than {} bytes", path, kMost));
  std::vector<int64_t> times;
  if (path.ends_with(".db")) {
    ASSIGN_OR_RETURN(const auto logins,
                     ParseLoginDatabase(bytes, kLastlog2Query));
    for (const auto& [name, login] : logins) times.push_back(login.time);
  } else {
    for (size_t at = 0; at + kRecord <= bytes.size(); at += kRecord) {
      uint32_t time;
      memcpy(&time, bytes.data() + at, sizeof time);
      times.push_back(time);
    }
  }
  Plausible plausible;
  std::erase_if(times,
                [&](int64_t time) { return time == 0 || !plausible(time); });
  if (times.empty()) return std::optional<LogSpan>();
  const auto [oldest, newest] = std::ranges::minmax(times);
  return std::optional<LogSpan>({oldest, newest, 0, plausible.ahead()});
}

}  // namespace

LogSpan Bounded(LogSpan span) {
  Plausible plausible;
  if (!plausible(span.newest))
    span.newest = std::min(span.oldest, plausible.most());
  span.oldest = std::min(span.oldest, span.newest);
  span.ahead = plausible.ahead();
  return span;
}

int64_t NewestOf(const LogSpan& span) {
  constexpr int64_t kHour = 3600;
  return span.newest <= std::time(nullptr) - kHour
             ? span.newest
             : std::max(span.oldest, span.newest / kHour * kHour);
}

void Join(const LogSpan& span, std::optional<LogSpan>& all) {
  if (!all) all = span;
  all->oldest = std::min(all->oldest, span.oldest);
  all->newest = std::max(all->newest, span.newest);
  all->ahead = std::max(all->ahead, span.ahead);
}

std::optional<int64_t> LastRecord(LogFormat format, std::string_view end,
                                  const Zone& zone, int64_t modified) {
  Plausible plausible(modified);
  if (format == LogFormat::kText)
    return TextTime(end, zone, modified, true, plausible);
  return format == LogFormat::kUtmp ? UtmpTime(end, true, plausible)
                                    : std::nullopt;
}

absl::StatusOr<std::optional<LogSpan>> ReadPiece(const Host& host,
                                                 LogFormat format,
                                                 const LogPiece& piece,
                                                 const Zone& zone) {
  if (IsPacked(piece.path)) return ReadPacked(host, format, piece, zone);
  if (format == LogFormat::kWtmpdb) return ReadWtmpdb(host, piece);
  if (format == LogFormat::kLastlog) return ReadLastlog(host, piece.path);
  return ReadPlain(host, format, piece, zone);
}

Zone ReadZone(const Host& host) {
  const auto tzif = host.ReadBytes("/etc/localtime", 0, 1 << 16);
  return tzif.ok() ? Zone(*tzif) : Zone();
}

std::optional<LogSpan> ReadLog(const Host& host, LogFormat format,
                               const std::vector<LogPiece>& pieces,
                               const Zone& zone, const LogTrouble& trouble) {
  std::set<std::string> told;
  const auto read = [&](const LogPiece& piece) -> std::optional<LogSpan> {
    if (piece.info.size == 0) return {};
    const auto span = ReadPiece(host, format, piece, zone);
    if (span.ok() && *span) return **span;
    // A database without a row holds no record; text may hold some unread.
    if (span.ok() && (format == LogFormat::kWtmpdb ||
                      format == LogFormat::kLastlog))
      return {};
    if (told.insert(piece.path).second)
      trouble(piece.path, span.ok() ? "" : Message(span.status()));
    return {};
  };
  for (auto first = pieces.begin(); first != pieces.end(); ++first) {
    auto span = read(*first);
    if (!span) continue;
    for (auto last = std::prev(pieces.end()); last != first; --last) {
      const auto newest = read(*last);
      if (!newest) continue;
      span->newest = newest->newest;
      span->record_bytes = newest->record_bytes;
      break;
    }
    return span;
  }
  return {};
}

}  // namespace metsuke
