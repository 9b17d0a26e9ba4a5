// Fills the log_sources table: every log of the host, what decides how long it
// is kept, and how far back it can be read.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/file_owners.h"
#include "collectors/gaps.h"
#include "collectors/journal_config.h"
#include "collectors/journals.h"
#include "collectors/log_names.h"
#include "collectors/log_order.h"
#include "collectors/log_reader.h"
#include "collectors/log_retention.h"
#include "collectors/log_streams.h"
#include "collectors/syslog_writer.h"
#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogSources(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogrotateRules(const Host& host, v1::Snapshot& snapshot);

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

class Sources {
 public:
  Sources(const Host& host, v1::Snapshot& snapshot)
      : host_(host),
        snapshot_(snapshot),
        gaps_(kTable, snapshot),
        owners_(host, kTable, snapshot),
        zone_(ReadZone(host)),
        syslog_(host, [this](const std::string& subject, const std::string& why) {
          gaps_.Add(subject, why, {"source", "writer", "facilities", "copy"});
        }) {
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
    std::vector<LogStream> streams = FindLogs(host_, "/var/log", known, gaps_);
    JoinOldFolders(host_, rules_, streams, gaps_);
    for (LogStream& stream : streams)
      logs[stream.path] = std::move(stream.pieces);
    // What is written elsewhere, or is not there yet.
    for (const std::string& path : known)
      if (!logs.contains(path)) AddElsewhere(path, logs);
    // The system's own logs are not to be crowded out by an application's.
    std::vector<std::string> paths;
    for (const auto& [path, pieces] : logs) paths.push_back(path);
    std::stable_partition(paths.begin(), paths.end(), [&](const auto& path) {
      return known.contains(path) || LogKind(path) != "application";
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
      SyslogWriter::Describe(rules, row);
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
        if (at != path && LogBase(name) != NameOf(path)) continue;
        const auto info = host_.Stat(at);
        if (info.ok() && info->kind == FileInfo::Kind::kRegular)
          pieces.push_back({at, *info});
        else if (written)
          gaps_.Add(at, info.ok() ? "is no regular file"
                                  : Message(info.status()));
      }
    if (written || !pieces.empty()) logs[path] = std::move(pieces);
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
      SyslogWriter::Describe(written->second, row);
      row.set_copy(syslog_.CopyOf(written->second));
    } else if (audit_ && path == audit_->path) {
      row.set_source("audit");
      row.set_writer("auditd");
      row.set_copy(AuditCopy());
      limits.bytes = audit_->limits.bytes;
      AddPart(limits.by, audit_->limits.by);
    } else {
      row.set_source(LogKind(path));
    }
    if (row.copy().empty()) row.set_copy(syslog_.CopyOfInput(path));
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
    const LogFormat format = LogFormatOf(row.path());
    pieces = InOrder(host_, row.path(), std::move(pieces), zone_);
    const auto span = ReadLog(host_, format, pieces, zone_, trouble);
    if (!span) return 0;
    SetTimes(*span, row);
    if (format == LogFormat::kLastlog) return 0;  // it is written over
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
            : ReadLog(host_, format, plain, zone_,
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

  static void SetTimes(const LogSpan& span, v1::LogSource& row) {
    row.set_oldest(span.oldest);
    row.set_newest(NewestOf(span));
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

  void AddJournal(const JournalFolder& folder);
  LogLimits JournalLimits(const JournalFolder& folder);
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

LogLimits Sources::JournalLimits(const JournalFolder& folder) {
  std::vector<v1::JournalOption> options;
  if (folder.space.empty()) {
    v1::Snapshot read;
    const absl::Status status = CollectJournalConfig(host_, read);
    if (!status.ok()) LimitsAreUnknown(folder.path, Message(status));
    options.assign(read.journal_config().begin(), read.journal_config().end());
  } else {
    const std::string path =
        fmt::format("/etc/systemd/journald@{}.conf", folder.space);
    auto text = host_.Read(path);
    if (text.ok()) options = JournalOptions({{path, *std::move(text)}}, false);
    else if (!absl::IsNotFound(text.status()))
      LimitsAreUnknown(path, Message(text.status()));
  }
  const auto disk = host_.FileSystem(folder.path);
  const LogLimits limits =
      LimitsOfJournal(options, folder.path.starts_with("/run/"),
                      disk.ok() ? disk->bytes : 0);
  if (limits.bytes == 0)
    gaps_.Add(folder.path,
              "the size of its file system decides how much is kept: " +
                  Message(disk.status()),
              {"keep_bytes", "reach_days", "removal"});
  return limits;
}

void Sources::AddJournal(const JournalFolder& folder) {
  const auto streams = ReadJournals(
      host_, folder.path, [&](const std::string& path, const std::string& why) {
        gaps_.Add(path, why,
                  {"oldest", "newest", "unread", "sealed", "bytes_per_day",
                   "records_per_day", "reach_days", "removal"});
      });
  if (absl::IsNotFound(streams.status())) return;
  if (!streams.ok()) return gaps_.Add(folder.path, Message(streams.status()));
  // Of all together: a user who came once has files that stay.
  int64_t size = 0;
  std::optional<LogSpan> all;
  for (const JournalStream& stream : *streams) {
    size += stream.size;
    if (stream.span) Join(*stream.span, all);
  }
  const int64_t growth = all ? PerDay(size, *all) : 0;
  const LogLimits limits = JournalLimits(folder);
  for (const JournalStream& stream : *streams) {
    v1::LogSource& row = *snapshot_.add_log_sources();
    row.set_source("journal");
    row.set_path(fmt::format("{}/{}", folder.path, stream.name));
    row.set_writer("systemd-journald");
    row.set_files(stream.files);
    if (stream.info) SetFile(*stream.info, row);
    row.set_persistent(!folder.path.starts_with("/run/"));
    row.set_sealed(stream.sealed);
    row.set_unread(stream.unread);
    row.set_copy(JournalCopy());
    if (stream.span) {
      SetTimes(*stream.span, row);
      row.set_bytes_per_day(OneDigit(PerDay(stream.size, *stream.span)));
      row.set_records_per_day(OneDigit(PerDay(stream.entries, *stream.span)));
    }
    SetReach(limits, growth, row);
  }
}

void Sources::AddJournals() {
  const auto folders = FindJournals(
      host_, [&](const std::string& base, const std::string& why) {
        gaps_.Add(base, why);
      });
  for (const JournalFolder& folder : folders) AddJournal(folder);
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
