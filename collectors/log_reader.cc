#include "collectors/log_reader.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <utmp.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <set>
#include <tuple>

#include "collectors/last_login.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What is read of each end of a log, and unpacked of a compressed one.
constexpr size_t kEnd = 64 << 10;
constexpr size_t kMaxDatabase = 64 << 20;

constexpr std::string_view kPacked[] = {".gz", ".zst", ".xz", ".bz2", ".lz4"};

std::string Gunzip(std::string_view bytes, size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return {};
  std::string text(most, '\0');
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  inflate(&stream, Z_SYNC_FLUSH);
  text.resize(most - stream.avail_out);
  inflateEnd(&stream);
  return text;
}

std::string Unzstd(std::string_view bytes, size_t most) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(
      ZSTD_createDStream(), ZSTD_freeDStream);
  // A window of 8 MiB is what zstd itself uses up to level 19.
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 23);
  std::string text(most, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer out{text.data(), text.size(), 0};
  while (in.pos < in.size && out.pos < out.size)
    if (ZSTD_isError(ZSTD_decompressStream(stream.get(), &out, &in))) break;
  text.resize(out.pos);
  return text;
}

// The first instant in `text`; the last one when `backwards`. What is later
// than the file was changed, by more than clocks and zones are off, is no time
// of a record but something its writer made up.
std::optional<int64_t> TextTime(std::string_view text, const Zone& zone,
                                int64_t modified, bool backwards) {
  auto lines = Lines(text);
  if (backwards) std::reverse(lines.begin(), lines.end());
  for (const std::string_view line : lines)
    if (const auto instant = LogTime(line, zone, modified);
        instant && *instant > 0 && *instant <= modified + 86400)
      return instant;
  return {};
}

// The same of records of utmp(5); `bytes` begins with a whole one.
std::optional<int64_t> UtmpTime(std::string_view bytes, bool backwards) {
  const size_t count = bytes.size() / sizeof(utmp);
  for (size_t i = 0; i < count; ++i) {
    utmp record;
    const size_t at = backwards ? count - 1 - i : i;
    memcpy(&record, bytes.data() + at * sizeof record, sizeof record);
    // utmp(5): EMPTY is no record; neither is one without a time.
    if (record.ut_type != EMPTY && record.ut_tv.tv_sec != 0)
      return static_cast<uint32_t>(record.ut_tv.tv_sec);
  }
  return {};
}

absl::Status CheckPacking(const std::string& path) {
  if (path.ends_with(".gz") || path.ends_with(".zst")) return absl::OkStatus();
  return absl::UnimplementedError(
      fmt::format("{}: only gzip and zstd are read", path));
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
  const int64_t modified = piece.info.modified;
  const auto oldest = text ? TextTime(first, zone, modified, false)
                           : UtmpTime(first, false);
  const auto newest =
      text ? TextTime(last, zone, modified, true) : UtmpTime(last, true);
  if (!oldest || !newest) return std::optional<LogSpan>();
  const auto lines = std::ranges::count(first, '\n');
  const int64_t record = !text        ? static_cast<int64_t>(sizeof(utmp))
                         : lines == 0 ? 0
                                      : static_cast<int64_t>(first.size()) / lines;
  return std::optional<LogSpan>({*oldest, *newest, record});
}

// The beginning of a compressed file; its end would cost reading all of it, so
// the file's last change stands for its last record, as gzip and zstd keep it.
absl::StatusOr<std::optional<LogSpan>> ReadPacked(const Host& host,
                                                  LogFormat format,
                                                  const LogPiece& piece,
                                                  const Zone& zone) {
  RETURN_IF_ERROR(CheckPacking(piece.path));
  ASSIGN_OR_RETURN(const std::string bytes,
                   host.ReadBytes(piece.path, 0, kEnd));
  const std::string first = Unpack(piece.path, bytes, kEnd);
  const auto oldest =
      format == LogFormat::kText
          ? TextTime(first, zone, piece.info.modified, false)
          : UtmpTime(first, false);
  if (!oldest) return std::optional<LogSpan>();
  return std::optional<LogSpan>(
      {*oldest, std::max(*oldest, piece.info.modified)});
}

// The database of wtmpdb(8), an SQLite file with times in microseconds. It is
// read as a copy in memory, so that no lock is taken and no journal touched.
absl::StatusOr<std::optional<LogSpan>> ReadWtmpdb(const Host& host,
                                                  const LogPiece& piece) {
  ASSIGN_OR_RETURN(std::string bytes,
                   host.ReadBytes(piece.path, 0, kMaxDatabase + 1));
  if (bytes.size() > kMaxDatabase)
    return absl::ResourceExhaustedError(
        fmt::format("{}: larger than {} bytes", piece.path, kMaxDatabase));
  if (bytes.empty()) return std::optional<LogSpan>();
  // A database in WAL mode says so here and could not be opened from memory;
  // what is in its main file is whole all the same (fileformat2.html, 1.3.3).
  if (bytes.size() > 19) bytes[18] = bytes[19] = 1;
  sqlite3* made = nullptr;
  const int opened = sqlite3_open(":memory:", &made);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(made,
                                                             sqlite3_close);
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  sqlite3_stmt* prepared = nullptr;
  if (opened != SQLITE_OK ||
      sqlite3_deserialize(made, "main",
                          reinterpret_cast<unsigned char*>(bytes.data()), size,
                          size, SQLITE_DESERIALIZE_READONLY) != SQLITE_OK ||
      sqlite3_prepare_v2(made,
                         "SELECT min(Login), max(max(Login, "
                         "ifnull(Logout, 0))) FROM wtmp",
                         -1, &prepared, nullptr) != SQLITE_OK)
    return absl::UnavailableError(
        fmt::format("{}: {}", piece.path, sqlite3_errmsg(made)));
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> query(
      prepared, sqlite3_finalize);
  if (sqlite3_step(prepared) != SQLITE_ROW)
    return absl::UnavailableError(
        fmt::format("{}: {}", piece.path, sqlite3_errmsg(made)));
  if (sqlite3_column_type(prepared, 0) == SQLITE_NULL)
    return std::optional<LogSpan>();
  return std::optional<LogSpan>({sqlite3_column_int64(prepared, 0) / 1000000,
                                 sqlite3_column_int64(prepared, 1) / 1000000});
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
  std::erase(times, 0);
  if (times.empty()) return std::optional<LogSpan>();
  const auto [oldest, newest] = std::ranges::minmax(times);
  return std::optional<LogSpan>({oldest, newest});
}

}  // namespace

void Join(const LogSpan& span, std::optional<LogSpan>& all) {
  if (!all) all = span;
  all->oldest = std::min(all->oldest, span.oldest);
  all->newest = std::max(all->newest, span.newest);
}

bool IsPacked(std::string_view name) {
  return std::any_of(std::begin(kPacked), std::end(kPacked),
                     [&](auto suffix) { return name.ends_with(suffix); });
}

absl::StatusOr<std::string> UnpackWhole(const Host& host,
                                        const std::string& path, size_t most) {
  constexpr size_t kMost = 64 << 20;
  RETURN_IF_ERROR(CheckPacking(path));
  ASSIGN_OR_RETURN(const std::string packed,
                   host.ReadBytes(path, 0, kMost + 1));
  std::string bytes = Unpack(path, packed, most + 1);
  if (packed.size() > kMost || bytes.size() > most)
    return absl::ResourceExhaustedError(
        fmt::format("{}: too large to be read as a whole", path));
  return bytes;
}

std::string Unpack(std::string_view name, std::string_view bytes, size_t most) {
  return name.ends_with(".gz") ? Gunzip(bytes, most) : Unzstd(bytes, most);
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

// A log is rotated in the order of its files' last changes: of the files that
// have records, the one changed first has the oldest, the one changed last the
// newest.
std::optional<LogSpan> ReadLog(const Host& host, LogFormat format,
                               std::vector<LogPiece> pieces, const Zone& zone,
                               const LogTrouble& trouble) {
  std::ranges::sort(pieces, [](const LogPiece& a, const LogPiece& b) {
    return std::tie(a.info.modified, b.path) <
           std::tie(b.info.modified, a.path);
  });
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
