// Fills the log_files table: how far back each log can be read. Only the
// beginning of the oldest file and the end of the newest are looked at, so a
// log costs the same whatever its size.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "collectors/collector.h"
#include "collectors/file_owners.h"
#include "collectors/log_reader.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "log_files";
constexpr int64_t kHour = 3600;

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
    for (const LogPiece& piece : pieces) size += piece.info.size;
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
      if (!IsPieceOf(name, stream.name)) continue;
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
        host_, stream.format, std::move(pieces), zone_,
        [&](const std::string& path, std::string why) {
          AddGap(snapshot_, kTable, path,
                 why.empty() ? "no record with a time was found in it" : why);
        });
    if (!span) return;
    row.set_oldest(span->oldest);
    row.set_newest(span->newest / kHour * kHour);
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
  const auto names = host_.List(folder);
  const auto info = host_.Stat(folder);
  if (absl::IsNotFound(names.status())) return;
  if (!names.ok() || !info.ok())
    return AddGap(snapshot_, kTable, folder,
                  Message(names.ok() ? info.status() : names.status()));
  v1::LogFile row;
  Describe("journal", folder, *info, row);
  int64_t size = 0, oldest = 0, newest = 0;
  for (const std::string& name : *names) {
    // "~" ends the name of a file that was not closed well; it is read too.
    if (!name.ends_with(".journal") && !name.ends_with(".journal~")) continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    const auto file = ReadJournalFile(host_, path);
    // journald has removed it meanwhile.
    if (absl::IsNotFound(file.status())) continue;
    row.set_files(row.files() + 1);
    if (!file.ok()) {
      AddGap(snapshot_, kTable, path, Message(file.status()));
      continue;
    }
    size += file->size;
    if (!file->span) continue;
    oldest = oldest == 0 ? file->span->oldest
                         : std::min(oldest, file->span->oldest);
    newest = std::max(newest, file->span->newest);
  }
  if (row.files() == 0) return;
  row.set_size_bytes(TwoDigits(size));
  row.set_oldest(oldest);
  row.set_newest(newest / kHour * kHour);
  *snapshot_.add_log_files() = std::move(row);
}

// A journal stands in a folder named after the machine id. Without one nobody
// can say which of the folders that are there is this host's.
void Logs::AddJournals() {
  constexpr const char* kFolders[] = {"/var/log/journal", "/run/log/journal"};
  const auto text = host_.Read("/etc/machine-id");
  const std::string id(text.ok() ? Strip(*text) : "");
  if (!id.empty()) {
    for (const char* folder : kFolders)
      AddJournal(fmt::format("{}/{}", folder, id));
    return;
  }
  const std::string why = text.ok() || absl::IsNotFound(text.status())
                              ? "the host has no machine id"
                              : Message(text.status());
  for (const char* folder : kFolders) {
    const auto names = host_.List(folder);
    if (names.ok() ? !names->empty() : !absl::IsNotFound(names.status()))
      AddGap(snapshot_, kTable, folder,
             "no telling which journal is this host's: " + why);
  }
}

}  // namespace

absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot) {
  Logs logs(host, snapshot);
  for (const Stream& stream : kStreams) logs.Add(stream);
  logs.AddJournals();
  return absl::OkStatus();
}

}  // namespace metsuke
