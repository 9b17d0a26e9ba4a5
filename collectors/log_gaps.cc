// Fills the log_gaps table: records that must have been there and are not.
//
// journald numbers the records of all its files in one row, and logrotate the
// files of a log. When space runs out the oldest go; what is missing between
// others was taken out, or was never written for want of a disk or of power.
// So was what the times of the records leave out (log_pauses.h), what is no text
// in one (log_noise.h), what is cut off a compressed file (log_torn.h) or damaged
// in a journal (journal_damage.h), what recorders themselves say that they dropped (journal_drops.h), what the
// kernel's audit had no room for (audit_watch.h), and what was there at the last
// look (log_clearings.h).

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "collectors/audit.h"
#include "collectors/audit_watch.h"
#include "collectors/collector.h"
#include "collectors/gaps.h"
#include "collectors/host_off.h"
#include "collectors/journal_damage.h"
#include "collectors/journal_drops.h"
#include "collectors/journal_entries.h"
#include "collectors/journal_holes.h"
#include "collectors/journals.h"
#include "collectors/log_clearings.h"
#include "collectors/log_names.h"
#include "collectors/log_noise.h"
#include "collectors/log_pauses.h"
#include "collectors/log_reader.h"
#include "collectors/log_retention.h"
#include "collectors/log_streams.h"
#include "collectors/log_torn.h"
#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogrotateRules(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "log_gaps";
constexpr char kAuditdConf[] = "/etc/audit/auditd.conf";
// Among the notes of the last run.
constexpr char kCounters[] = "audit counters";
// Of one log; who takes out every second file has made his point by then.
constexpr size_t kMostOfOne = 100;
// From the beginning of a run on, until which compressed files are unpacked, and
// until which journals are verified, which comes last: so that collectors behind
// this one begin before the time of the look is over (CycleOptions::budget).
constexpr auto kUnpackUntil = std::chrono::seconds(6);
constexpr auto kVerifyUntil = std::chrono::seconds(11);

std::string NotClosed(const std::string& name) {
  return name + " was not closed: what followed may be lost";
}

// "1 record lost" of 1 and "records lost".
std::string Counted(int64_t count, std::string_view records) {
  constexpr std::string_view kMany = "records";
  if (count == 1 && records.starts_with(kMany))
    return fmt::format("1 record{}", records.substr(kMany.size()));
  return fmt::format("{} {}", count, records);
}

class LogGaps {
 public:
  LogGaps(const Host& host, v1::Snapshot& snapshot)
      : host_(host),
        snapshot_(snapshot),
        gaps_(kTable, snapshot),
        zone_(ReadZone(host)),
        off_(ReadOff(host, gaps_)) {}

  void AddJournals() {
    const auto trouble = [&](const std::string& path, std::string why) {
      gaps_.Add(path, why);
    };
    // What is in memory until the disk is there goes on in the same row.
    std::map<std::string, std::vector<JournalFile>> by_namespace;
    std::map<std::string, std::string> folders;
    for (const JournalFolder& folder : FindJournals(host_, trouble)) {
      auto files = ReadJournalFiles(host_, folder.path, trouble);
      if (absl::IsNotFound(files.status())) continue;
      if (!files.ok()) {
        trouble(folder.path, Message(files.status()));
        continue;
      }
      folders.try_emplace(folder.space, folder.path);
      std::ranges::move(*files, std::back_inserter(by_namespace[folder.space]));
    }
    std::vector<Pause> boots;
    for (auto& [space, files] : by_namespace) {
      const std::string path = folders[space] + "/system.journal";
      AddJournal(path, files);
      AddDrops(path, files);
      AddPauses("journal", path, JournalPauses(path, files, boots));
      journals_.emplace_back(path, std::move(files));
    }
    std::ranges::move(boots, std::back_inserter(off_));
    std::ranges::sort(off_, {}, &Pause::until);
  }

  void AddLogs() {
    LogPauses pauses(host_, zone_, off_, budget_, gaps_);
    std::vector<LogStream> streams = FindLogs(host_, "/var/log", {}, gaps_);
    // What of logrotate's rules cannot be read is a gap of log_sources.
    v1::Snapshot read;
    const bool known = CollectLogrotateRules(host_, read).ok();
    const std::vector<v1::LogrotateRule> rules(read.logrotate_rules().begin(),
                                               read.logrotate_rules().end());
    if (known) JoinOldFolders(host_, rules, streams, gaps_);
    for (const LogStream& stream : streams) {
      AddLog(stream);
      AddAhead(stream);
      if (IsOfTheSystem(stream.path)) {
        AddPauses(LogKind(stream.path), stream.path, pauses.Of(stream));
        AddPauses(LogKind(stream.path), stream.path,
                  FindNoise(host_, stream, zone_, budget_, gaps_));
      }
      AddPauses(LogKind(stream.path), stream.path,
                FindTorn(host_, stream, zone_, budget_, gaps_));
    }
    for (const LogCleared& row :
         FindClearings(host_, streams, rules, journals_, zone_, gaps_))
      Add(row.source, row.path, row.since, row.until, row.reason);
  }

  // What the kernel counts. That it tells nothing, as in a container,
  // audit_status says; what it told before stays so.
  void AddAudit() {
    std::string note = host_.Left(kCounters);
    AuditWatch watch(note);
    auto counters = AskAuditCounters(host_);
    if (counters.ok()) {
      counters->time = std::time(nullptr);
      watch.Look(*counters);
      note = watch.ToText();
    }
    if (!note.empty()) host_.Leave(kCounters, note);
    const std::vector<LogPause> told = watch.Told();
    // Only a later look sees that it is over, and forgets it.
    if (!told.empty()) host_.ReadLive();
    AddPauses("audit", AuditLogPath(), told);
  }

  void VerifyJournals() {
    for (const auto& [path, files] : journals_)
      for (const JournalDamage& damage :
           FindDamage(host_, path, files, verify_budget_, gaps_))
        AddDamage(path, damage);
  }

 private:
  v1::LogGap& Add(const std::string& source, const std::string& path,
                  int64_t since, int64_t until, std::string reason) {
    v1::LogGap& row = *snapshot_.add_log_gaps();
    row.set_source(source);
    row.set_path(path);
    row.set_since(since);
    row.set_until(until);
    row.set_reason(std::move(reason));
    return row;
  }

  void AddPauses(const std::string& source, const std::string& path,
                 const std::vector<LogPause>& pauses) {
    for (const LogPause& pause : pauses)
      Add(source, path, pause.since, pause.until, pause.reason);
  }

  void AddJournal(const std::string& path,
                  const std::vector<JournalFile>& files) {
    size_t found = 0;
    for (const JournalHole& hole : FindHoles(files))
      if (++found <= kMostOfOne)
        Add("journal", path, hole.since, hole.until,
            hole.first == hole.last
                ? fmt::format("record {} is in no file", hole.first)
                : fmt::format("records {} to {} are in no file", hole.first,
                              hole.last));
    for (const JournalFile& file : files) {
      if (!file.span) continue;
      TellAhead("journal", path, file.name, *file.span);
      if (file.torn && ++found <= kMostOfOne)
        Add("journal", path, file.span->newest, After(file, files),
            NotClosed(file.name));
    }
    TellOmitted(path, found);
  }

  // Of one that was not closed there is a row: a file that is not whole is told
  // once.
  void AddDamage(const std::string& path, const JournalDamage& damage) {
    const JournalFile& file = *damage.file;
    const std::string not_closed = NotClosed(file.name);
    auto& rows = *snapshot_.mutable_log_gaps();
    const auto row = std::ranges::find_if(rows, [&](const v1::LogGap& told) {
      return told.path() == path && told.reason() == not_closed;
    });
    const auto span = file.span.value_or(LogSpan{0, 0});
    v1::LogGap& damaged =
        row != rows.end()
            ? *row
            : Add("journal", path, span.oldest, span.newest,
                  file.name + " does not pass journalctl --verify");
    damaged.set_damage(damage.why);
  }

  // Others may write what they like, as they like.
  void AddAhead(const LogStream& stream) {
    const LogFormat format = LogFormatOf(stream.path);
    if (format == LogFormat::kText && !IsOfTheSystem(stream.path)) return;
    for (const LogPiece& piece : stream.pieces) {
      if (IsPacked(piece.path)) continue;
      const auto span = ReadPiece(host_, format, piece, zone_);
      if (span.ok() && *span)
        TellAhead(LogKind(stream.path), stream.path,
                  piece.path.substr(piece.path.rfind('/') + 1), **span);
    }
  }

  // A clock was ahead, or somebody made the records up; no time of theirs counts.
  void TellAhead(const std::string& source, const std::string& path,
                 const std::string& file, const LogSpan& span) {
    if (span.ahead != 0)
      Add(source, path, span.ahead, span.ahead,
          fmt::format("{} has records of a time after it was written: {}", file,
                      Rfc3339(span.ahead)));
  }

  void TellOmitted(const std::string& path, size_t found) {
    if (found > kMostOfOne)
      gaps_.Add(path, fmt::format("{} gaps, of which {} are told", found,
                                  kMostOfOne));
  }

  // What recorders say that they dropped stands in the journal, whoever it was.
  void AddDrops(const std::string& journal,
                const std::vector<JournalFile>& files) {
    std::vector<JournalDrop> drops = FindDrops(host_, files, gaps_);
    const size_t found = drops.size();
    // The latest are told.
    if (found > kMostOfOne) drops.erase(drops.begin(), drops.end() - kMostOfOne);
    for (const JournalDrop& drop : drops) {
      const auto [source, path] = LogOf(drop, journal);
      const auto count = OneDigit(static_cast<int64_t>(
          std::min<uint64_t>(drop.count, INT64_MAX)));
      Add(source, path, drop.since, drop.until,
          count == 0 ? drop.why : Counted(count, drop.why));
    }
    if (found > kMostOfOne)
      gaps_.Add(journal,
                fmt::format("{} times records were dropped, of which the latest "
                            "{} are told",
                            found, kMostOfOne));
  }

  // Kind and path of the log that lacks them; of the journal that says so where
  // that log is not where distributions put it.
  std::pair<const char*, std::string> LogOf(const JournalDrop& drop,
                                            const std::string& journal) const {
    if (drop.of == DropOf::kAudit && host_.Stat(kAuditdConf).ok())
      return {"audit", AuditLogPath()};
    if (drop.of == DropOf::kSyslog)
      for (const char* path : {"/var/log/syslog", "/var/log/messages"})
        if (host_.Stat(path).ok()) return {"syslog", path};
    return {"journal", journal};
  }

  std::string AuditLogPath() const {
    const auto conf = host_.Read(kAuditdConf);
    return conf.ok() ? ReadAuditdConf(*conf).path : AuditLog().path;
  }

  // What the system's files say, those of users left aside. `boots` gets the
  // boots between their records.
  std::vector<LogPause> JournalPauses(const std::string& path,
                                      std::vector<JournalFile> files,
                                      std::vector<Pause>& boots) {
    std::erase_if(files, [](const JournalFile& file) {
      return !file.span || !file.name.starts_with("system");
    });
    // Rows of numbers begin anew when journald has lost its state.
    std::map<std::string, int64_t> begins;
    for (const JournalFile& file : files) {
      const auto [begin, first] =
          begins.try_emplace(file.numbering, file.span->oldest);
      begin->second = std::min(begin->second, file.span->oldest);
    }
    std::ranges::sort(files, {}, [&](const JournalFile& file) {
      return std::tuple(begins[file.numbering], file.numbering, file.first);
    });
    std::vector<std::string> paths;
    for (const JournalFile& file : files) paths.push_back(file.path);
    return FindLogPauses(Zone(), off_, [&](int64_t least) {
      Rhythm all = ReadFiles(
          host_, path, paths, "pauses", least, gaps_, [&](size_t i) {
            return ReadJournalRhythm(host_, paths[i], least, budget_.looks);
          });
      boots.insert(boots.end(), all.boots.begin(), all.boots.end());
      return all;
    });
  }

  // When the next file of the same kind begins; 0 when there is none.
  static int64_t After(const JournalFile& torn,
                       const std::vector<JournalFile>& files) {
    const auto kind = [](const JournalFile& file) {
      return file.name.substr(0, file.name.find_first_of("@."));
    };
    int64_t next = 0;
    for (const JournalFile& file : files)
      if (kind(file) == kind(torn) && file.span->oldest >= torn.span->newest &&
          file.name != torn.name && (next == 0 || file.span->oldest < next))
        next = file.span->oldest;
    return next;
  }

  void AddLog(const LogStream& stream) {
    const std::string base = stream.path.substr(stream.path.rfind('/') + 1);
    std::map<int, const LogPiece*> numbered;
    for (const LogPiece& piece : stream.pieces)
      if (const auto number =
              RotationOf(piece.path.substr(piece.path.rfind('/') + 1), base))
        numbered.emplace(*number, &piece);
    size_t found = 0;
    for (auto piece = numbered.begin(); piece != numbered.end(); ++piece) {
      const auto older = std::next(piece);
      if (older == numbered.end() || older->first == piece->first + 1) continue;
      // A log may have no current file until something is written again.
      if (++found > kMostOfOne) continue;
      LogSpan before = SpanOf(stream, *older->second);
      LogSpan behind = SpanOf(stream, *piece->second);
      // Some programs give the newest file the highest number.
      if (before.oldest > behind.oldest) std::swap(before, behind);
      Add(LogKind(stream.path), stream.path,
          std::min(before.newest, behind.oldest), behind.oldest,
          older->first == piece->first + 2
              ? "a rotated file is missing between others"
              : fmt::format("{} rotated files are missing between others",
                            older->first - piece->first - 1));
    }
    TellOmitted(stream.path, found);
  }

  // The first and the last record of a file; its last change where it has none.
  LogSpan SpanOf(const LogStream& stream, const LogPiece& piece) {
    const LogFormat format = LogFormatOf(stream.path);
    const auto read = ReadPiece(host_, format, piece, zone_);
    if (!read.ok() || !*read)
      return {piece.info.modified, piece.info.modified};
    LogSpan span = **read;
    if (IsPacked(piece.path))
      if (const int64_t last =
              LastUnpacked(host_, format, piece, zone_, budget_))
        span.newest = last;
    return span;
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
  Gaps gaps_;
  const Zone zone_;
  std::vector<Pause> off_;
  LogBudget budget_{.until = LogBudget::Clock::now() + kUnpackUntil};
  VerifyBudget verify_budget_{
      .until = std::chrono::steady_clock::now() + kVerifyUntil};
  std::vector<std::pair<std::string, std::vector<JournalFile>>> journals_;
};

}  // namespace

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot) {
  LogGaps gaps(host, snapshot);
  gaps.AddAudit();
  gaps.AddJournals();
  gaps.AddLogs();
  gaps.VerifyJournals();
  return absl::OkStatus();
}

}  // namespace metsuke
