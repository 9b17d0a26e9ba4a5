// Fills the log_sources table: every log of the host, what decides how long it
// is kept, and how far back it can be read.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/file_owners.h"
#include "collectors/gaps.h"
#include "collectors/journal_config.h"
#include "collectors/last_login.h"
#include "collectors/log_reader.h"
#include "collectors/log_retention.h"
#include "collectors/log_streams.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogSources(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogrotateRules(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "log_sources";
constexpr int64_t kHour = 3600, kDay = 86400;
constexpr size_t kMostStreams = 500;

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string NameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// What the system logger does with messages.
class SyslogWriter {
 public:
  SyslogWriter(const Host& host, Gaps& gaps) {
    v1::Snapshot read;
    const absl::Status status = CollectSyslogConfig(host, read);
    const auto columns = {std::string_view("source"),
                          std::string_view("writer"),
                          std::string_view("facilities"),
                          std::string_view("copy")};
    if (!status.ok() && !IsAbsent(status))
      gaps.Add("rsyslog's configuration", Message(status), columns);
    for (const v1::Gap& gap : read.gaps())
      gaps.Add(gap.subject(), gap.reason(), columns);
    for (const v1::SyslogRoute& route : read.syslog_config()) {
      if (route.action() == "file")
        files_[route.target()][route.facility()] = route;
      else if (route.action() == "forward")
        sent_[route.target()][route.facility()] = route;
    }
  }

  // The rules by facility, for each file and each place that is sent to.
  using Rules = std::map<std::string, v1::SyslogRoute>;
  const std::map<std::string, Rules>& files() const { return files_; }
  const std::map<std::string, Rules>& sent() const { return sent_; }

  // Where all that `rules` write is sent as well; empty when nowhere.
  std::string CopyOf(const Rules& rules) const {
    for (const auto& [target, others] : sent_)
      if (std::ranges::all_of(rules, [&, &others = others](const auto& rule) {
            const auto other = others.find(rule.first);
            return other != others.end() &&
                   (other->second.severity() == "debug" ||
                    other->second.severity() == rule.second.severity());
          }))
        return target;
    return "";
  }

 private:
  std::map<std::string, Rules> files_, sent_;
};

bool IsAuth(const SyslogWriter::Rules& rules) {
  return !rules.empty() && std::ranges::all_of(rules, [](const auto& rule) {
    return rule.first == "auth" || rule.first == "authpriv";
  });
}

// The kind of a log that the system logger does not write, by where it stands.
std::string KindOf(const std::string& path) {
  constexpr std::pair<std::string_view, const char*> kByName[] = {
      {"syslog", "syslog"},   {"messages", "syslog"}, {"auth.log", "auth"},
      {"secure", "auth"},     {"wtmp", "wtmp"},       {"wtmp.db", "wtmp"},
      {"btmp", "btmp"},       {"lastlog", "lastlog"}, {"lastlog2.db", "lastlog"},
      {"mail.log", "mail"},   {"maillog", "mail"}};
  constexpr std::pair<std::string_view, const char*> kByFolder[] = {
      {"audit", "audit"},
      {"nginx", "web"},          {"apache2", "web"},
      {"httpd", "web"},          {"lighttpd", "web"},
      {"caddy", "web"},          {"mysql", "database"},
      {"mariadb", "database"},   {"postgresql", "database"},
      {"redis", "database"},     {"mongodb", "database"},
      {"exim4", "mail"},         {"dovecot", "mail"},
      {"postfix", "mail"}};
  constexpr std::string_view kLogs = "/var/log/";
  std::string_view below(path);
  if (below.starts_with(kLogs)) below.remove_prefix(kLogs.size());
  const size_t slash = below.find('/');
  if (slash == std::string_view::npos || !path.starts_with(kLogs)) {
    for (const auto& [name, kind] : kByName)
      if (NameOf(path) == name) return kind;
    return "application";
  }
  for (const auto& [folder, kind] : kByFolder)
    if (below.substr(0, slash) == folder) return kind;
  return "application";
}

LogFormat FormatOf(const std::string& path) {
  const std::string name = NameOf(path);
  if (name == "wtmp" || name == "btmp") return LogFormat::kUtmp;
  return name == "wtmp.db" ? LogFormat::kWtmpdb : LogFormat::kText;
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
    return absl::ResourceExhaustedError("larger than 16 MiB");
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

class Sources {
 public:
  Sources(const Host& host, v1::Snapshot& snapshot)
      : host_(host),
        snapshot_(snapshot),
        gaps_(kTable, snapshot),
        owners_(host, kTable, snapshot),
        zone_(ReadZone(host)),
        syslog_(host, gaps_) {
    v1::Snapshot read;
    const absl::Status status = CollectLogrotateRules(host, read);
    if (!status.ok() && !IsAbsent(status))
      LimitsAreUnknown("logrotate's configuration", Message(status));
    for (const v1::Gap& gap : read.gaps())
      LimitsAreUnknown(gap.subject(), gap.reason());
    rules_.assign(read.logrotate_rules().begin(), read.logrotate_rules().end());
  }

  void AddLogs() {
    FindAuditLog();
    std::set<std::string> known = {"/var/lib/wtmpdb/wtmp.db",
                                   "/var/lib/lastlog/lastlog2.db"};
    for (const auto& [path, rules] : syslog_.files()) known.insert(path);
    if (audit_) known.insert(audit_->path);
    std::map<std::string, std::vector<LogPiece>> logs;
    for (LogStream& stream : FindLogs(host_, "/var/log", known, gaps_))
      logs[stream.path] = std::move(stream.pieces);
    // What is written elsewhere, or is not there yet.
    for (const std::string& path : known)
      if (!logs.contains(path)) AddElsewhere(path, logs);
    // The system's own logs are not to be crowded out by an application's.
    std::vector<std::string> paths;
    for (const auto& [path, pieces] : logs) paths.push_back(path);
    std::stable_partition(paths.begin(), paths.end(), [&](const auto& path) {
      return known.contains(path) || KindOf(path) != "application";
    });
    if (paths.size() > kMostStreams) {
      gaps_.Add("/var/log", fmt::format("{} logs are looked at, and there are {}",
                                        kMostStreams, paths.size()));
      paths.resize(kMostStreams);
    }
    for (const std::string& path : paths) AddLog(path, std::move(logs[path]));
  }

  void AddJournals();

  void AddSent() {
    for (const auto& [target, rules] : syslog_.sent()) {
      v1::LogSource& row = *snapshot_.add_log_sources();
      row.set_path(target);
      row.set_copy(target);
      row.set_keep_days(-1);
      row.set_reach_days(-1);
      SetSyslog(rules, row);
    }
  }

 private:
  void LimitsAreUnknown(const std::string& subject, const std::string& why) {
    gaps_.Add(subject, why,
              {"keep_days", "keep_bytes", "kept_by", "reach_days", "removal"});
  }

  void FindAuditLog() {
    constexpr char kConf[] = "/etc/audit/auditd.conf";
    const auto text = host_.Read(kConf);
    if (text.ok())
      audit_ = ReadAuditdConf(*text);
    else if (!absl::IsNotFound(text.status()))
      gaps_.Add(kConf, Message(text.status()));
  }

  void AddElsewhere(const std::string& path,
                    std::map<std::string, std::vector<LogPiece>>& logs) {
    // A name that is made for each message, or a terminal.
    if (!path.starts_with('/') || path.starts_with("/dev/")) return;
    const bool written = syslog_.files().contains(path) ||
                         (audit_ && audit_->path == path);
    // Debian 13 has the database of wtmpdb under two names.
    const auto link = host_.ReadLink(path);
    if (link.ok() && !written) return;
    std::vector<LogPiece> pieces;
    const auto names = host_.List(FolderOf(path));
    if (!names.ok() && !absl::IsNotFound(names.status()))
      return gaps_.Add(path, Message(names.status()));
    if (names.ok())
      for (const std::string& name : *names) {
        const std::string at = FolderOf(path) + "/" + name;
        if (LogBase(name) != NameOf(path)) continue;
        const auto info = host_.Stat(at);
        if (info.ok() && info->kind == FileInfo::Kind::kRegular)
          pieces.push_back({at, *info});
        else if (written)
          gaps_.Add(at, info.ok() ? "is no regular file"
                                  : Message(info.status()));
      }
    if (written || !pieces.empty()) logs[path] = std::move(pieces);
  }

  void SetSyslog(const SyslogWriter::Rules& rules, v1::LogSource& row) {
    row.set_source(IsAuth(rules) ? "auth" : "syslog");
    row.set_writer(rules.begin()->second.daemon());
    for (const auto& [facility, rule] : rules) row.add_facilities(facility);
  }

  void SetFile(const FileInfo& info, v1::LogSource& row) {
    row.set_mode(fmt::format("{:04o}", info.mode));
    row.set_owner(owners_.User(info.uid));
    row.set_group(owners_.Group(info.gid));
  }

  // Fills what follows from limits and growth. `growth` is that of all that
  // shares the limits.
  static void SetReach(const LogLimits& limits, int64_t growth,
                       v1::LogSource& row) {
    row.set_keep_days(static_cast<int32_t>(
        std::min<int64_t>(limits.days, INT32_MAX)));
    row.set_keep_bytes(limits.bytes);
    row.set_kept_by(limits.by);
    row.set_reach_days(static_cast<int32_t>(ReachDays(limits, growth)));
    if (row.reach_days() >= 0 && row.oldest() > 0)
      row.set_removal((row.oldest() + row.reach_days() * kDay) / kDay * kDay);
  }

  // Bytes or records a day, of so many between two instants, which are taken to
  // be no closer than `least`.
  static int64_t PerDay(int64_t count, const LogSpan& span,
                        int64_t least = kDay) {
    const auto seconds =
        static_cast<double>(std::max(least, span.newest - span.oldest));
    return static_cast<int64_t>(static_cast<double>(count) * kDay / seconds);
  }

  void AddLog(const std::string& path, std::vector<LogPiece> pieces) {
    v1::LogSource row;
    row.set_path(path);
    row.set_persistent(!path.starts_with("/run/"));
    LogLimits limits = LimitsOfLogrotate(rules_, path);
    const auto written = syslog_.files().find(path);
    if (written != syslog_.files().end()) {
      SetSyslog(written->second, row);
      row.set_copy(syslog_.CopyOf(written->second));
    } else if (audit_ && path == audit_->path) {
      row.set_source("audit");
      row.set_writer("auditd");
      row.set_copy(AuditCopy());
      limits.bytes = audit_->limits.bytes;
      if (!audit_->limits.by.empty())
        limits.by += (limits.by.empty() ? "" : "; ") + audit_->limits.by;
    } else {
      row.set_source(KindOf(path));
    }
    for (const LogPiece& piece : pieces)
      if (piece.path == path) SetFile(piece.info, row);
    row.set_files(static_cast<uint32_t>(pieces.size()));
    const int64_t growth = SetSpan(std::move(pieces), row);
    if (limits.bytes > 0 && growth == 0 && row.oldest() > 0)
      gaps_.Add(path, "size decides what is kept, and how fast it grows is not "
                      "to be seen just after it was rotated",
                {"bytes_per_day", "records_per_day", "reach_days", "removal"});
    SetReach(limits, growth, row);
    *snapshot_.add_log_sources() = std::move(row);
  }

  // Fills the times and the growth, and returns the bytes that are added in a
  // day.
  int64_t SetSpan(std::vector<LogPiece> pieces, v1::LogSource& row) {
    // Others may write what they like, as they like.
    constexpr std::string_view kSystem[] = {"syslog", "auth", "audit", "wtmp",
                                            "btmp"};
    const bool any = std::ranges::find(kSystem, row.source()) == std::end(kSystem);
    const auto trouble = [&](const std::string& path, std::string why) {
      if (why.empty() && row.source() == "application") return;
      if (why.empty()) why = path + ": no record with a time was found in it";
      if (row.unread().empty()) row.set_unread(why);
      if (any) return;
      gaps_.Add(path, why,
                {"oldest", "newest", "bytes_per_day", "records_per_day",
                 "reach_days", "removal", "unread"});
    };
    if (row.source() == "lastlog") {
      SetLastlog(pieces, trouble, row);
      return 0;
    }
    const LogFormat format = FormatOf(row.path());
    const auto span = ReadLog(host_, format, pieces, zone_, trouble);
    if (!span) return 0;
    row.set_oldest(span->oldest);
    row.set_newest(span->newest / kHour * kHour);
    std::vector<LogPiece> plain;
    int64_t bytes = 0;
    for (const LogPiece& piece : pieces)
      if (!IsPacked(piece.path)) {
        plain.push_back(piece);
        bytes += piece.info.size;
      }
    const bool plain_alone = plain.size() == pieces.size();
    const auto lately =
        plain_alone
            ? span
            : ReadLog(host_, format, std::move(plain), zone_,
                      [](const auto&, const auto&) {});
    if (!lately) return 0;
    // Compressed files show that the log is older than what is counted.
    const int64_t growth =
        PerDay(bytes, *lately, plain_alone ? kDay : kHour);
    row.set_bytes_per_day(OneDigit(growth));
    if (lately->record_bytes > 0)
      row.set_records_per_day(OneDigit(growth / lately->record_bytes));
    return growth;
  }

  void SetLastlog(const std::vector<LogPiece>& pieces,
                  const LogTrouble& trouble, v1::LogSource& row) {
    for (const LogPiece& piece : pieces) {
      if (piece.path != row.path()) continue;
      const auto span = ReadLastlog(host_, piece.path);
      if (!span.ok()) return trouble(piece.path, Message(span.status()));
      if (!*span) return;
      row.set_oldest((*span)->oldest);
      row.set_newest((*span)->newest / kHour * kHour);
    }
  }

  // The server that audisp-remote(8) sends to; empty while it is not active.
  std::string AuditCopy() {
    const auto plugin = host_.Read("/etc/audit/plugins.d/au-remote.conf");
    if (!plugin.ok() || Setting(*plugin, "active") != "yes") return "";
    const auto remote = host_.Read("/etc/audit/audisp-remote.conf");
    return remote.ok() ? Setting(*remote, "remote_server") : "";
  }

  // The value of a line "name = value".
  static std::string Setting(const std::string& text, std::string_view name) {
    for (const std::string_view line : Lines(text)) {
      const size_t equals = line.find('=');
      if (equals != std::string_view::npos &&
          Strip(line.substr(0, equals)) == name)
        return std::string(Strip(line.substr(equals + 1)));
    }
    return "";
  }

  void AddJournalFolder(const std::string& folder, const LogLimits& limits);
  LogLimits JournalLimits(const std::string& folder, const std::string& space);
  std::string JournalCopy();

  const Host& host_;
  v1::Snapshot& snapshot_;
  Gaps gaps_;
  const FileOwners owners_;
  const Zone zone_;
  const SyslogWriter syslog_;
  std::vector<v1::LogrotateRule> rules_;
  std::optional<AuditLog> audit_;
};

// systemd-journal-upload(8) sends the journal itself; the system logger, which
// reads it, sends the messages in it.
std::string Sources::JournalCopy() {
  const auto enabled = host_.Exists(
      "/etc/systemd/system/multi-user.target.wants/"
      "systemd-journal-upload.service");
  if (enabled.ok() && *enabled) {
    const auto text = host_.Read("/etc/systemd/journal-upload.conf");
    if (text.ok())
      if (std::string url = Setting(*text, "URL"); !url.empty()) return url;
  }
  SyslogWriter::Rules most;
  for (const char* facility : {"auth", "authpriv", "daemon", "kern", "user"})
    most[facility].set_severity("debug");
  return syslog_.CopyOf(most);
}

LogLimits Sources::JournalLimits(const std::string& folder,
                                 const std::string& space) {
  std::vector<v1::JournalOption> options;
  if (space.empty()) {
    v1::Snapshot read;
    const absl::Status status = CollectJournalConfig(host_, read);
    if (!status.ok()) LimitsAreUnknown(folder, Message(status));
    options.assign(read.journal_config().begin(), read.journal_config().end());
  } else {
    const std::string path =
        fmt::format("/etc/systemd/journald@{}.conf", space);
    auto text = host_.Read(path);
    if (text.ok()) options = JournalOptions({{path, *std::move(text)}}, false);
  }
  const auto disk = host_.FileSystemBytes(folder);
  const LogLimits limits = LimitsOfJournal(
      options, folder.starts_with("/run/"), disk.ok() ? *disk : 0);
  if (limits.bytes == 0)
    gaps_.Add(folder,
              "the size of its file system decides how much is kept: " +
                  Message(disk.status()),
              {"keep_bytes", "reach_days", "removal"});
  return limits;
}

void Sources::AddJournalFolder(const std::string& folder,
                               const LogLimits& limits) {
  const auto names = host_.List(folder);
  if (absl::IsNotFound(names.status())) return;
  if (!names.ok()) return gaps_.Add(folder, Message(names.status()));
  struct Kind {
    v1::LogSource row;
    int64_t size = 0, entries = 0;
    std::optional<LogSpan> span;
    bool sealed = true;
  };
  std::map<std::string, Kind> kinds;
  for (const std::string& name : *names) {
    // "~" ends the name of a file that was not closed well; it is read too.
    if (!name.ends_with(".journal") && !name.ends_with(".journal~")) continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    const bool of_user = name.starts_with("user-");
    Kind& kind = kinds[of_user ? "user-*.journal" : "system.journal"];
    const auto file = ReadJournalFile(host_, path);
    if (absl::IsNotFound(file.status())) continue;  // removed meanwhile
    kind.row.set_files(kind.row.files() + 1);
    if (!file.ok()) {
      if (kind.row.unread().empty())
        kind.row.set_unread(Message(file.status()));
      kind.sealed = false;
      gaps_.Add(path, Message(file.status()),
                {"oldest", "newest", "unread", "sealed", "bytes_per_day",
                 "records_per_day", "reach_days", "removal"});
      continue;
    }
    // One file's mode stands for all: journald makes them alike.
    const auto info = host_.Stat(path);
    if (info.ok() && (name == "system.journal" || kind.row.mode().empty()))
      SetFile(*info, kind.row);
    kind.size += file->size;
    kind.entries += file->entries;
    kind.sealed = kind.sealed && file->sealed;
    if (!file->span) continue;
    if (!kind.span) kind.span = file->span;
    kind.span->oldest = std::min(kind.span->oldest, file->span->oldest);
    kind.span->newest = std::max(kind.span->newest, file->span->newest);
  }
  // Of all together: a user who came once has files that stay.
  int64_t size = 0;
  std::optional<LogSpan> all;
  for (const auto& [name, kind] : kinds) {
    size += kind.size;
    if (!kind.span) continue;
    if (!all) all = kind.span;
    all->oldest = std::min(all->oldest, kind.span->oldest);
    all->newest = std::max(all->newest, kind.span->newest);
  }
  const int64_t growth = all ? PerDay(size, *all) : 0;
  for (auto& [name, kind] : kinds) {
    v1::LogSource& row = kind.row;
    if (row.files() == 0) continue;
    row.set_source("journal");
    row.set_path(fmt::format("{}/{}", folder, name));
    row.set_writer("systemd-journald");
    row.set_persistent(!folder.starts_with("/run/"));
    row.set_sealed(kind.sealed);
    row.set_copy(JournalCopy());
    if (kind.span) {
      row.set_oldest(kind.span->oldest);
      row.set_newest(kind.span->newest / kHour * kHour);
      row.set_bytes_per_day(OneDigit(PerDay(kind.size, *kind.span)));
      row.set_records_per_day(OneDigit(PerDay(kind.entries, *kind.span)));
    }
    SetReach(limits, growth, row);
    *snapshot_.add_log_sources() = std::move(row);
  }
}

// A journal stands in a folder named after the machine id, one of a namespace
// in a folder with "." and its name behind that.
void Sources::AddJournals() {
  const auto text = host_.Read("/etc/machine-id");
  const std::string id(text.ok() ? Strip(*text) : "");
  for (const char* base : {"/var/log/journal", "/run/log/journal"}) {
    const auto names = host_.List(base);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) {
      gaps_.Add(base, Message(names.status()));
      continue;
    }
    if (id.empty()) {
      if (!names->empty())
        gaps_.Add(base, "no telling which journal is this host's, for it has "
                        "no machine id");
      continue;
    }
    for (const std::string& name : *names) {
      if (name != id && !name.starts_with(id + ".")) continue;
      const std::string space = name == id ? "" : name.substr(id.size() + 1);
      const std::string folder = fmt::format("{}/{}", base, name);
      AddJournalFolder(folder, JournalLimits(folder, space));
    }
  }
}

}  // namespace

absl::Status CollectLogSources(const Host& host, v1::Snapshot& snapshot) {
  Sources sources(host, snapshot);
  sources.AddLogs();
  sources.AddSent();
  sources.AddJournals();
  return absl::OkStatus();
}

}  // namespace metsuke
