#include "collectors/journal_drops.h"

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>

#include "collectors/event_reader.h"
#include "collectors/journal.h"
#include "collectors/journal_record.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;
// Of one file. journald says it of one unit every half a minute at most.
constexpr int kMostRecords = 100'000;
constexpr std::string_view kRateLimit = "records dropped by the rate limit: ";

// What says it, as alternatives that journald has an index of. Nobody else than
// journald can write a field that begins with "_".
constexpr const char* kSayings[] = {
    "_TRANSPORT=driver",
    "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e",  // suppressed
    "MESSAGE_ID=e9bf28e6e834481bb6f48f548ad13606",  // of the kernel missed
    nullptr,
    "_TRANSPORT=syslog",
    "SYSLOG_IDENTIFIER=rsyslogd",
    "_UID=0",
    nullptr,
    "_TRANSPORT=syslog",
    "SYSLOG_IDENTIFIER=rsyslogd",
    "_SYSTEMD_UNIT=rsyslog.service",
    nullptr,
    // kernel/audit.c. What a program writes to /dev/kmsg is of another
    // facility.
    "_TRANSPORT=kernel",
    "SYSLOG_FACILITY=0",
    "MESSAGE=audit: backlog limit exceeded",
    "MESSAGE=audit: rate limit exceeded",
    "MESSAGE=audit: kauditd hold queue overflow",
    "MESSAGE=audit: kauditd retry queue overflow",
    "MESSAGE=audit: out of memory in audit_log_start",
};

absl::Status Match(const Journal& journal, std::string_view field) {
  return JournalStatus(
      sd_journal_add_match(journal.get(), field.data(), field.size()),
      "matching");
}

absl::Status MatchSayings(const Journal& journal) {
  for (const char* field : kSayings) {
    if (field != nullptr)
      RETURN_IF_ERROR(Match(journal, field));
    else
      RETURN_IF_ERROR(
          JournalStatus(sd_journal_add_disjunction(journal.get()), "matching"));
  }
  return absl::OkStatus();
}

// What the record says, if its writer is known and may say it.
std::optional<JournalDrop> ReadDrop(const JournalRecord& record) {
  JournalDrop drop;
  drop.since = drop.until = static_cast<int64_t>(record.time / 1'000'000);
  if (record.transport == "kernel") {
    drop.of = DropOf::kAudit;
    drop.why = fmt::format("the kernel lost records of {}", record.message);
    return drop;
  }
  const auto event = ReadEvent(record, [](uint32_t) { return std::string(); });
  if (!event || event->kind() != "recorder" || event->source() != "journal" ||
      !event->detail().starts_with("records "))
    return {};
  drop.of = event->service() == "systemd-journald" ? DropOf::kJournal
                                                   : DropOf::kSyslog;
  drop.why = event->detail();
  drop.count = event->count();
  return drop;
}

// The last record of those whose records were dropped before `time`; nothing
// when the file has none.
std::optional<int64_t> RecordBefore(const Journal& journal,
                                    const JournalDrop& drop) {
  if (drop.of != DropOf::kJournal) return {};
  const std::string field =
      drop.why.starts_with(kRateLimit)
          ? "_SYSTEMD_UNIT=" + drop.why.substr(kRateLimit.size())
          : "_TRANSPORT=kernel";
  sd_journal_flush_matches(journal.get());
  uint64_t time = 0;
  if (!Match(journal, field).ok() ||
      sd_journal_seek_realtime_usec(
          journal.get(), static_cast<uint64_t>(drop.since) * 1'000'000 - 1) < 0 ||
      sd_journal_previous(journal.get()) <= 0 ||
      sd_journal_get_realtime_usec(journal.get(), &time) < 0)
    return {};
  return static_cast<int64_t>(time / 1'000'000);
}

// What one file says.
struct Said {
  std::vector<JournalDrop> drops;
  bool all = true;  // whether there is no more of it
};

absl::StatusOr<Said> ReadDrops(const Host& host, const std::string& path) {
  ASSIGN_OR_RETURN(const Journal journal, Journal::OpenOne(host, path));
  RETURN_IF_ERROR(MatchSayings(journal));
  RETURN_IF_ERROR(
      JournalStatus(sd_journal_seek_tail(journal.get()), "seeking"));
  Said said;
  KeptRecord kept;
  int code = 0;
  for (int i = 0; (code = sd_journal_previous(journal.get())) > 0; ++i) {
    if (i == kMostRecords) {
      said.all = false;
      break;
    }
    TakeRecord(journal, kept);
    if (auto drop = ReadDrop(kept.record))
      said.drops.push_back(*std::move(drop));
  }
  RETURN_IF_ERROR(JournalStatus(code, "reading"));
  said.drops = SumUp(said.drops);
  for (JournalDrop& drop : said.drops)
    drop.since = RecordBefore(journal, drop).value_or(drop.since);
  return said;
}

}  // namespace

std::vector<JournalDrop> SumUp(const std::vector<JournalDrop>& drops) {
  std::map<std::tuple<int64_t, DropOf, std::string>, JournalDrop> sums;
  for (const JournalDrop& drop : drops) {
    const auto [sum, first] =
        sums.try_emplace({drop.until / kDay, drop.of, drop.why}, drop);
    if (first) continue;
    sum->second.since = std::min(sum->second.since, drop.since);
    sum->second.until = std::max(sum->second.until, drop.until);
    sum->second.count += drop.count;
  }
  std::vector<JournalDrop> result;
  for (auto& [key, sum] : sums) result.push_back(std::move(sum));
  return result;
}

std::string ToText(const JournalDrop& drop) {
  std::string why = drop.why;
  std::ranges::replace(why, '\n', ' ');
  return fmt::format("{} {} {} {} {}", static_cast<int>(drop.of), drop.since,
                     drop.until, drop.count, why);
}

std::vector<JournalDrop> DropsFromText(std::string_view lines) {
  std::vector<JournalDrop> drops;
  for (std::string_view line : Lines(lines)) {
    int64_t numbers[4];
    bool good = true;
    for (int64_t& number : numbers) {
      const size_t blank = std::min(line.find(' '), line.size());
      const auto read = Number(line.substr(0, blank));
      good = good && read && *read >= 0;
      number = read.value_or(0);
      line.remove_prefix(std::min(blank + 1, line.size()));
    }
    if (good && numbers[0] <= static_cast<int>(DropOf::kAudit))
      drops.push_back({static_cast<DropOf>(numbers[0]), std::string(line),
                       numbers[1], numbers[2],
                       static_cast<uint64_t>(numbers[3])});
  }
  return drops;
}

std::vector<JournalDrop> FindDrops(const Host& host,
                                   const std::vector<JournalFile>& files,
                                   Gaps& gaps) {
  // What an answer begins with that was found to its end, and one that was not.
  constexpr std::string_view kRead = "read\n", kCut = "cut\n";
  std::vector<JournalDrop> drops;
  for (const JournalFile& file : files) {
    // journald writes of itself to the system's files.
    if (!file.span || !file.name.starts_with("system")) continue;
    bool again = false;
    const auto find = [&] {
      const Host::Unrecorded unrecorded(host);
      const auto read = ReadDrops(host, file.path);
      if (!read.ok()) {
        if (!absl::IsNotFound(read.status())) {
          gaps.Add(file.path, "what was dropped: " + Message(read.status()));
          again = true;
        }
        return std::string();
      }
      std::string text(read->all ? kRead : kCut);
      for (const JournalDrop& drop : read->drops) text += ToText(drop) + "\n";
      return text;
    };
    const std::string text = host.Remember("drops", file.path, find);
    if (again) host.ReadLive();
    if (text.starts_with(kCut))
      gaps.Add(file.path,
               fmt::format("what was dropped: more than {} records may say so, "
                           "of which the latest are read",
                           kMostRecords));
    std::ranges::move(
        DropsFromText(std::string_view(text).substr(text.find('\n') + 1)),
        std::back_inserter(drops));
  }
  return SumUp(drops);
}

}  // namespace metsuke
