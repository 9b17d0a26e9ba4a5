// Fills the log_files table: how far back each log can be read. Only the
// beginning of the oldest file and the end of the newest are looked at, so a
// log costs the same whatever its size.

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "collectors/collector.h"
#include "collectors/descriptor.h"
#include "collectors/errno_status.h"
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

// Names of accounts or groups by number, from /etc/passwd or /etc/group.
class Names {
 public:
  Names(const Host& host, const char* path) {
    const auto text = host.Read(path);
    if (!text.ok()) return;
    for (const std::string_view line : Lines(*text)) {
      const auto fields = Pieces(line, ':');
      if (fields.size() > 2)
        names_.emplace(std::string(fields[2]), std::string(fields[0]));
    }
  }

  std::string Of(uint32_t number) const {
    const auto found = names_.find(std::to_string(number));
    return found == names_.end() ? std::to_string(number) : found->second;
  }

 private:
  std::map<std::string, std::string> names_;
};

// What all streams of one host share.
class Logs {
 public:
  Logs(const Host& host, v1::Snapshot& snapshot)
      : host_(host),
        snapshot_(snapshot),
        users_(host, "/etc/passwd"),
        groups_(host, "/etc/group") {
    const auto tzif = host.ReadBytes("/etc/localtime", 0, 1 << 16);
    if (tzif.ok()) zone_ = Zone(*tzif);
  }

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

  void AddJournal(const std::string& folder);

 private:
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
    row.set_owner(users_.Of(info.uid));
    row.set_group(groups_.Of(info.gid));
  }

  // A log is rotated in the order of its files' last changes: of the files
  // that have records, the one changed first has the oldest, the one changed
  // last the newest.
  void AddSpan(const Stream& stream, std::vector<LogPiece> pieces,
               v1::LogFile& row) {
    std::sort(pieces.begin(), pieces.end(), [](auto& a, auto& b) {
      return std::tie(a.info.modified, b.path) <
             std::tie(b.info.modified, a.path);
    });
    bool found = false;
    for (const LogPiece& piece : pieces) {
      const auto span = Read(stream, piece);
      if (!span) continue;
      row.set_oldest(span->oldest);
      row.set_newest(span->newest / kHour * kHour);
      if (&piece == &pieces.back()) return;
      found = true;
      break;
    }
    if (!found) return;
    std::reverse(pieces.begin(), pieces.end());
    for (const LogPiece& piece : pieces) {
      const auto span = Read(stream, piece);
      if (!span) continue;
      row.set_newest(span->newest / kHour * kHour);
      return;
    }
  }

  std::optional<LogSpan> Read(const Stream& stream, const LogPiece& piece) {
    if (piece.info.size == 0) return {};
    const auto span = ReadPiece(host_, stream.format, piece, zone_);
    if (span.ok() && *span) return **span;
    const std::string why = span.ok() ? "no record with a time was found in it"
                                      : Message(span.status());
    if (told_.insert(piece.path).second)
      AddGap(snapshot_, kTable, piece.path, why);
    return {};
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
  const Names users_;
  const Names groups_;
  Zone zone_;
  std::set<std::pair<uint64_t, uint64_t>> seen_;  // devices and inodes
  std::set<std::string> told_;
};

// sd-journal reads the folder by itself, through a descriptor from the door.
absl::Status ReadJournal(const Host& host, const std::string& folder,
                         v1::LogFile& row) {
  ASSIGN_OR_RETURN(const int opened, host.OpenDirectory(folder));
  const Descriptor fd(opened);
  sd_journal* made = nullptr;
  int result = sd_journal_open_directory_fd(&made, fd.get(), 0);
  const std::unique_ptr<sd_journal, void (*)(sd_journal*)> journal(
      made, sd_journal_close);
  if (result < 0) return ErrnoStatus(-result, folder);
  uint64_t from = 0, to = 0, bytes = 0;
  result = sd_journal_get_cutoff_realtime_usec(made, &from, &to);
  if (result < 0) return ErrnoStatus(-result, folder);
  if (result > 0) {
    row.set_oldest(static_cast<int64_t>(from / 1000000));
    row.set_newest(static_cast<int64_t>(to / 1000000) / kHour * kHour);
  }
  result = sd_journal_get_usage(made, &bytes);
  if (result < 0) return ErrnoStatus(-result, folder);
  row.set_size_bytes(TwoDigits(static_cast<int64_t>(bytes)));
  return absl::OkStatus();
}

void Logs::AddJournal(const std::string& folder) {
  const auto names = host_.List(folder);
  const auto info = host_.Stat(folder);
  if (absl::IsNotFound(names.status())) return;
  if (!names.ok() || !info.ok())
    return AddGap(snapshot_, kTable, folder,
                  Message(names.ok() ? info.status() : names.status()));
  // "~" ends the name of a file that was not closed well; it is read too.
  const auto files = std::count_if(
      names->begin(), names->end(), [](const std::string& name) {
        return name.ends_with(".journal") || name.ends_with(".journal~");
      });
  if (files == 0) return;
  v1::LogFile row;
  Describe("journal", folder, *info, row);
  row.set_files(static_cast<uint32_t>(files));
  const absl::Status status = ReadJournal(host_, folder, row);
  if (!status.ok())
    return AddGap(snapshot_, kTable, folder, Message(status));
  *snapshot_.add_log_files() = std::move(row);
}

}  // namespace

absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot) {
  Logs logs(host, snapshot);
  for (const Stream& stream : kStreams) logs.Add(stream);
  const auto id = host.Read("/etc/machine-id");
  if (!id.ok() && !absl::IsNotFound(id.status()))
    AddGap(snapshot, kTable, "/etc/machine-id", Message(id.status()));
  if (!id.ok() || Strip(*id).empty()) return absl::OkStatus();
  for (const char* folder : {"/var/log/journal", "/run/log/journal"})
    logs.AddJournal(fmt::format("{}/{}", folder, Strip(*id)));
  return absl::OkStatus();
}

}  // namespace metsuke
