// Fills the log_files table: how far back each log can be read. Only the
// beginning of the oldest file and the end of the newest are looked at, so a
// log costs the same whatever its size.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "collectors/collector.h"
#include "collectors/log_reader.h"
#include "collectors/passwd.h"
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

// Names of accounts or groups by number; of several the first, as ls(1) has it.
class Names {
 public:
  void Add(uint32_t number, const std::string& name) {
    names_.emplace(number, name);
  }
  std::string Of(uint32_t number) const {
    const auto found = names_.find(number);
    return found == names_.end() ? std::to_string(number) : found->second;
  }

 private:
  std::map<uint32_t, std::string> names_;
};

// What all streams of one host share.
class Logs {
 public:
  Logs(const Host& host, v1::Snapshot& snapshot)
      : host_(host), snapshot_(snapshot) {
    LoadNames();
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

  void AddJournals();

 private:
  void AddJournal(const std::string& folder);

  // Without a name an owner is shown by his number.
  void LoadNames() {
    int foreign = 0;
    const auto accounts = ReadPasswd(host_, &foreign);
    const auto groups = ReadGroups(host_, &foreign);
    if (accounts.ok())
      for (const PasswdEntry& account : *accounts)
        users_.Add(account.uid, account.name);
    if (groups.ok())
      for (const GroupEntry& group : *groups)
        groups_.Add(group.gid, group.name);
    for (const absl::Status& status : {accounts.status(), groups.status()})
      if (!status.ok() && !absl::IsNotFound(status))
        AddGap(snapshot_, kTable, "names of owners", Message(status));
  }

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
  Names users_;
  Names groups_;
  Zone zone_;
  std::set<std::pair<uint64_t, uint64_t>> seen_;  // devices and inodes
  std::set<std::string> told_;
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
