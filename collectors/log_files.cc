// Fills the log_files table: how far back each log can be read. Only the
// beginning of the oldest file and the end of the newest are looked at, so a
// log costs the same whatever its size.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "collectors/collector.h"
#include "collectors/file_owners.h"
#include "collectors/journals.h"
#include "collectors/log_names.h"
#include "collectors/log_order.h"
#include "collectors/log_reader.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "log_files";

struct Stream {
  const char* source;
  const char* folder;
  const char* name;
  LogFormat format;
};
constexpr Stream kStreams[] = {
    {"syslog", "/var/log", "syslog", LogFormat::kText},
    {"syslog", "/var/log", "messages", LogFormat::kText},
    {"auth", "/var/log", "auth.log", LogFormat::kText},
    {"auth", "/var/log", "secure", LogFormat::kText},
    {"audit", "/var/log/audit", "audit.log", LogFormat::kText},
    {"wtmp", "/var/log", "wtmp", LogFormat::kUtmp},
    {"wtmp", "/var/log", "wtmp.db", LogFormat::kWtmpdb},
    {"wtmp", "/var/lib/wtmpdb", "wtmp.db", LogFormat::kWtmpdb},
    {"btmp", "/var/log", "btmp", LogFormat::kUtmp},
};

// What all streams of one host share.
class Logs {
 public:
  Logs(const Host& host, v1::Snapshot& snapshot)
      : host_(host),
        snapshot_(snapshot),
        owners_(host, kTable, snapshot),
        zone_(ReadZone(host)) {}

  void Add(const Stream& stream) {
    const std::string current = fmt::format("{}/{}", stream.folder, stream.name);
    std::vector<LogPiece> pieces = Pieces(stream);
    const auto found = std::find_if(pieces.begin(), pieces.end(),
                                    [&](auto& p) { return p.path == current; });
    // Without the current file, old ones are what a logger left behind that
    // writes no longer.
    if (found == pieces.end()) return;
    // Debian 13 has the same database under two names.
    if (!seen_.emplace(found->info.device, found->info.inode).second) return;
    v1::LogFile& row = *snapshot_.add_log_files();
    Describe(stream.source, current, found->info, row);
    int64_t size = 0;
    uint32_t rotated = 0;
    for (const LogPiece& piece : pieces) {
      size += piece.info.size;
      if (piece.path != current) rotated |= piece.info.mode;
    }
    if (pieces.size() > 1) row.set_rotated_mode(fmt::format("{:04o}", rotated));
    row.set_size_bytes(TwoDigits(size));
    row.set_files(static_cast<uint32_t>(pieces.size()));
    AddSpan(stream, std::move(pieces), row);
  }

  void AddJournals();

 private:
  void AddJournal(const std::string& folder);

  // The files of a stream.
  std::vector<LogPiece> Pieces(const Stream& stream) {
    std::vector<LogPiece> pieces;
    const auto names = host_.List(stream.folder);
    if (!names.ok()) {
      if (!absl::IsNotFound(names.status()))
        AddGap(snapshot_, kTable, stream.folder, Message(names.status()));
      return pieces;
    }
    for (const std::string& name : *names) {
      if (LogBase(name) != stream.name) continue;
      const std::string path = fmt::format("{}/{}", stream.folder, name);
      const auto info = host_.Stat(path);
      if (!info.ok())
        AddGap(snapshot_, kTable, path, Message(info.status()));
      else if (info->kind == FileInfo::Kind::kRegular)
        pieces.push_back({path, *info});
      else
        AddGap(snapshot_, kTable, path, "is no regular file");
    }
    return pieces;
  }

  void Describe(const char* source, const std::string& path,
                const FileInfo& info, v1::LogFile& row) {
    row.set_source(source);
    row.set_path(path);
    row.set_mode(fmt::format("{:04o}", info.mode));
    row.set_owner(owners_.User(info.uid));
    row.set_group(owners_.Group(info.gid));
  }

  void AddSpan(const Stream& stream, std::vector<LogPiece> pieces,
               v1::LogFile& row) {
    const auto span = ReadLog(
        host_, stream.format,
        InOrder(host_, row.path(), std::move(pieces), zone_), zone_,
        [&](const std::string& path, std::string why) {
          AddGap(snapshot_, kTable, path,
                 why.empty() ? "no record with a time was found in it" : why);
        });
    if (span) SetSpan(*span, row);
  }

  static void SetSpan(const LogSpan& span, v1::LogFile& row) {
    row.set_oldest(span.oldest);
    row.set_newest(NewestOf(span));
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
  const FileOwners owners_;
  const Zone zone_;
  std::set<std::pair<uint64_t, uint64_t>> seen_;  // devices and inodes
};

// journald writes a file for the system and one for each user; all of them
// together are the journal.
void Logs::AddJournal(const std::string& folder) {
  const auto info = host_.Stat(folder);
  const auto streams =
      ReadJournals(host_, folder, [&](const std::string& path, std::string why) {
        AddGap(snapshot_, kTable, path, why);
      });
  if (absl::IsNotFound(streams.status())) return;
  if (!streams.ok() || !info.ok())
    return AddGap(snapshot_, kTable, folder,
                  Message(streams.ok() ? info.status() : streams.status()));
  if (streams->empty()) return;
  v1::LogFile& row = *snapshot_.add_log_files();
  Describe("journal", folder, *info, row);
  int64_t size = 0;
  std::optional<LogSpan> span;
  for (const JournalStream& stream : *streams) {
    row.set_files(row.files() + stream.files);
    size += stream.size;
    if (stream.span) Join(*stream.span, span);
  }
  row.set_size_bytes(TwoDigits(size));
  if (span) SetSpan(*span, row);
}

void Logs::AddJournals() {
  const auto folders =
      FindJournals(host_, [&](const std::string& base, std::string why) {
        AddGap(snapshot_, kTable, base, why);
      });
  for (const JournalFolder& folder : folders)
    if (folder.space.empty()) AddJournal(folder.path);
}

}  // namespace

absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot) {
  Logs logs(host, snapshot);
  for (const Stream& stream : kStreams) logs.Add(stream);
  logs.AddJournals();
  return absl::OkStatus();
}

}  // namespace metsuke
