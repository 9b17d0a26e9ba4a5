#include "collectors/journal_events.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/errno_status.h"
#include "collectors/event_reader.h"
#include "collectors/event_sums.h"
#include "collectors/journals.h"
#include "collectors/passwd.h"
#include "collectors/words.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

// Of a folder; journald keeps 100 unless it is told otherwise.
constexpr size_t kMostFiles = 4096;
constexpr int kAttempts = 5;
// Records between two looks at the clock.
constexpr int kStride = 128;

absl::Status JournalError(int code, const char* what) {
  return Annotate(ErrnoStatus(-code, "journal"), what);
}

struct File {
  std::string path;
  Descriptor fd;
  int64_t modified;  // seconds since 1970-01-01 UTC
};

// The names of the files in the folders of the host's own journal. Those of
// namespaces have no programs of the system in them.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ListFiles(
    const Host& host) {
  std::vector<std::pair<std::string, std::string>> files;
  absl::Status trouble;
  const auto folders = FindJournals(
      host, [&](const std::string& path, const std::string& why) {
        trouble = absl::UnavailableError(fmt::format("{}: {}", path, why));
      });
  RETURN_IF_ERROR(trouble);
  for (const JournalFolder& folder : folders) {
    if (!folder.space.empty()) continue;
    ASSIGN_OR_RETURN(const auto names, host.List(folder.path));
    for (const std::string& name : names)
      if (name.ends_with(".journal") || name.ends_with(".journal~"))
        files.emplace_back(folder.path, name);
  }
  return files;
}

absl::StatusOr<std::vector<File>> OpenFiles(const Host& host) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const auto names, ListFiles(host));
    if (names.size() > kMostFiles)
      return absl::ResourceExhaustedError(
          fmt::format("the journal has more than {} files", kMostFiles));
    std::vector<File> files;
    for (const auto& [folder, name] : names) {
      ASSIGN_OR_RETURN(const int fd, host.OpenDirectory(folder));
      const Descriptor directory(fd);
      const std::string path = fmt::format("{}/{}", folder, name);
      Descriptor file(openat(fd, name.c_str(),
                             O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
      struct stat info;
      if (!file && errno == ENOENT) continue;
      if (!file) return ErrnoStatus(errno, path);
      if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      files.push_back({path, std::move(file), info.st_mtim.tv_sec});
    }
    // What was rotated meanwhile may be under neither name.
    ASSIGN_OR_RETURN(const auto after, ListFiles(host));
    if (after != names) continue;
    if (files.empty()) return absl::NotFoundError("the host keeps no journal");
    return files;
  }
  return absl::UnavailableError("the journal is rotated again and again");
}

using JournalHandle = std::unique_ptr<sd_journal, void (*)(sd_journal*)>;

// A sd_journal over `files`. It takes their descriptors over, unless it fails.
absl::StatusOr<JournalHandle> OpenJournal(std::span<File> files) {
  std::vector<int> numbers;
  for (const File& file : files) numbers.push_back(file.fd.get());
  sd_journal* journal = nullptr;
  const int code =
      sd_journal_open_files_fd(&journal, numbers.data(),
                               static_cast<unsigned>(numbers.size()), 0);
  if (code < 0) return JournalError(code, "it cannot be opened");
  for (File& file : files) file.fd.Release();
  return JournalHandle(journal, sd_journal_close);
}

// What the agent's own side has to say. It is the same event each time it is
// said for the same reason.
v1::Event Said(int64_t time, const std::string& detail) {
  v1::Event event;
  event.set_time(time);
  event.set_kind("recorder");
  event.set_service("systemd-journald");
  event.set_detail(detail);
  event.set_count(1);
  event.set_source("agent");
  event.set_id(EventId(static_cast<uint64_t>(time) * 1'000'000, detail));
  return event;
}

// Takes out the files that are no journal, and says so in `heard`, once: those
// that were changed before `since`, in seconds, were told of.
absl::Status LeaveOutDamaged(std::vector<File>& files, int64_t since,
                             v1::Heard& heard) {
  std::vector<File> good;
  for (File& file : files) {
    File copy{file.path, Descriptor(fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0)),
              file.modified};
    if (!copy.fd) return ErrnoStatus(errno, file.path);
    const absl::Status opened = OpenJournal({&copy, 1}).status();
    if (opened.ok())
      good.push_back(std::move(file));
    else if (file.modified >= since)
      *heard.add_events() =
          Said(file.modified, fmt::format("{} cannot be read: {}", file.path,
                                          Message(opened)));
  }
  files = std::move(good);
  return absl::OkStatus();
}

// The boot of the record that was last written to the file that journald is
// writing, by its header (JOURNAL_FILE_FORMAT of systemd); nothing when there is
// none.
std::optional<JournalPosition::Id> WritingBoot(const std::vector<File>& files) {
  constexpr off_t kTailBoot = 56;
  std::optional<JournalPosition::Id> boot;
  int64_t newest = 0;
  for (const File& file : files) {
    JournalPosition::Id id;
    if (!file.path.ends_with("/system.journal") || file.modified < newest ||
        pread(file.fd.get(), id.data(), id.size(), kTailBoot) !=
            static_cast<ssize_t>(id.size()) ||
        id == JournalPosition::Id())
      continue;
    boot = id;
    newest = file.modified;
  }
  return boot;
}

// The host's journal at one of its records.
class Journal {
 public:
  static absl::StatusOr<Journal> Open(const Host& host, int64_t since,
                                      v1::Heard& heard) {
    ASSIGN_OR_RETURN(std::vector<File> files, OpenFiles(host));
    const auto boot = WritingBoot(files);
    absl::StatusOr<JournalHandle> journal = OpenJournal(files);
    if (!journal.ok()) {
      RETURN_IF_ERROR(LeaveOutDamaged(files, since, heard));
      if (!files.empty()) journal = OpenJournal(files);
    }
    RETURN_IF_ERROR(journal.status());
    return Journal(*std::move(journal), boot);
  }

  sd_journal* get() const { return journal_.get(); }
  // The boot that the host is in.
  const std::optional<JournalPosition::Id>& boot() const { return boot_; }

  // The field of the record it stands at; empty when it has none. It is good
  // until the next call.
  std::string_view Field(const char* name) const {
    const void* data = nullptr;
    size_t size = 0;
    if (sd_journal_get_data(get(), name, &data, &size) < 0) return {};
    std::string_view text(static_cast<const char*>(data), size);
    text.remove_prefix(std::min(size, strlen(name) + 1));
    return text;
  }

  std::optional<JournalPosition> Position() const {
    char* cursor = nullptr;
    if (sd_journal_get_cursor(get(), &cursor) < 0) return std::nullopt;
    const std::unique_ptr<char, void (*)(void*)> held(cursor, free);
    return JournalPosition::FromCursor(cursor);
  }

 private:
  Journal(JournalHandle journal, std::optional<JournalPosition::Id> boot)
      : journal_(std::move(journal)), boot_(boot) {}

  JournalHandle journal_;
  std::optional<JournalPosition::Id> boot_;
};

template <typename Number>
std::optional<Number> NumberIn(std::string_view text) {
  Number number;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

// A record's fields, kept while others are read.
struct KeptRecord {
  std::string identifier, message, transport, exe, comm, boot;
  JournalRecord record;
};

void Take(const Journal& journal, KeptRecord& kept) {
  kept.identifier = journal.Field("SYSLOG_IDENTIFIER");
  kept.message = journal.Field("MESSAGE");
  kept.transport = journal.Field("_TRANSPORT");
  kept.exe = journal.Field("_EXE");
  kept.comm = journal.Field("_COMM");
  kept.boot = journal.Field("_BOOT_ID");
  JournalRecord& record = kept.record = JournalRecord();
  record.identifier = kept.identifier;
  record.message = kept.message;
  record.transport = kept.transport;
  record.exe = kept.exe;
  record.comm = kept.comm;
  record.boot = kept.boot;
  record.uid = NumberIn<uint32_t>(journal.Field("_UID")).value_or(UINT32_MAX);
  record.login_uid = NumberIn<uint32_t>(journal.Field("_AUDIT_LOGINUID"));
  // The kernel's word for none.
  if (record.login_uid == UINT32_MAX) record.login_uid.reset();
  record.pid = NumberIn<uint64_t>(journal.Field("_PID")).value_or(0);
  sd_id128_t boot;
  sd_journal_get_realtime_usec(journal.get(), &record.time);
  sd_journal_get_monotonic_usec(journal.get(), &record.monotonic, &boot);
}

// Uids that an account may give to its own processes, subuid(5).
struct LentRange {
  uint32_t first, count;
  std::string owner;
};

std::vector<LentRange> LentUids(const Host& host) {
  std::vector<LentRange> ranges;
  const auto text = host.Read("/etc/subuid");
  if (!text.ok()) return ranges;
  for (const std::string_view line : Lines(*text)) {
    const auto parts = Pieces(line, ':');
    if (parts.size() != 3) continue;
    const auto first = NumberIn<uint32_t>(parts[1]);
    const auto count = NumberIn<uint32_t>(Strip(parts[2]));
    if (first && count) ranges.push_back({*first, *count, std::string(parts[0])});
  }
  return ranges;
}

// The names of the host's own accounts.
NameOfUid NamesOf(const Host& host) {
  std::map<uint32_t, std::string> names;
  int foreign = 0;
  const auto accounts = ReadPasswd(host, &foreign);
  if (accounts.ok())
    for (const PasswdEntry& account : *accounts)
      names.try_emplace(account.uid, account.name);
  return [names, lent = LentUids(host)](uint32_t uid) {
    const auto found = names.find(uid);
    if (found != names.end()) return found->second;
    for (const LentRange& range : lent)
      if (uid >= range.first && uid - range.first < range.count)
        return range.owner;
    return std::to_string(uid);
  };
}

// That records after `from` and before `found` are not there any more.
v1::Event Gone(const JournalPosition& from, const JournalPosition& found) {
  const auto after = static_cast<int64_t>(from.time / 1'000'000);
  const auto before = static_cast<int64_t>(found.time / 1'000'000);
  return Said(before, fmt::format("records between {} and {} were gone before "
                                  "they could be read",
                                  Rfc3339(after), Rfc3339(before)));
}

absl::Status SeekTo(int code) {
  return code < 0 ? JournalError(code, "seeking") : absl::OkStatus();
}

// Stands at `from` or before the first record after it. Says in `heard` what is
// missing there: journald numbers the records of all its files in one row.
absl::Status Seek(const Journal& journal, const JournalPosition& from,
                  int64_t now, const HearLimits& limits, v1::Heard& heard) {
  sd_journal* const raw = journal.get();
  if (from.none()) {
    const int64_t first = std::max<int64_t>(0, now - limits.first);
    return SeekTo(sd_journal_seek_realtime_usec(
        raw, static_cast<uint64_t>(first) * 1'000'000));
  }
  const std::string cursor = from.Cursor();
  RETURN_IF_ERROR(SeekTo(sd_journal_seek_cursor(raw, cursor.c_str())));
  int code = sd_journal_next(raw);
  const bool there =
      code > 0 && sd_journal_test_cursor(raw, cursor.c_str()) > 0;
  if (there) code = sd_journal_next(raw);
  if (code < 0) return JournalError(code, "reading");
  if (code == 0) return absl::OkStatus();
  const auto found = journal.Position();
  const bool same_row = found && found->numbering == from.numbering;
  if (found && (same_row ? found->number > from.number + 1 : !there))
    *heard.add_events() = Gone(from, *found);
  // The next step goes to the record that was found.
  code = sd_journal_previous(raw);
  if (code < 0) return JournalError(code, "reading");
  return code > 0 ? absl::OkStatus() : SeekTo(sd_journal_seek_head(raw));
}

// Where the journal ends at present; nothing when it is empty.
std::optional<JournalPosition> EndOf(const Journal& journal) {
  if (sd_journal_seek_tail(journal.get()) < 0 ||
      sd_journal_previous(journal.get()) <= 0)
    return std::nullopt;
  return journal.Position();
}

// Reads records of the programs that events come from.
class Listener {
 public:
  Listener(const Journal& journal, NameOfUid name_of, const HearLimits& limits)
      : journal_(journal),
        name_of_(std::move(name_of)),
        limits_(limits),
        until_(Clock::now() + limits.time) {}

  // Those alone are read, with `this_boot` only those of the boot that the host
  // is in. Matches of one field are alternatives; journald keeps an index of
  // them, so that the many records of other programs cost nothing.
  absl::Status Match(bool this_boot) const {
    for (const std::string_view name : EventIdentifiers())
      RETURN_IF_ERROR(Match(fmt::format("SYSLOG_IDENTIFIER={}", name)));
    if (!this_boot) return absl::OkStatus();
    std::string match = "_BOOT_ID=";
    for (const uint8_t byte : *journal_.boot())
      match += fmt::format("{:02x}", byte);
    return Match(match);
  }

  // From the next record on; `up_to_this_boot` ends at the first of that.
  absl::Status Listen(bool up_to_this_boot) {
    int code = 0;
    while (!more_ && (code = sd_journal_next(journal_.get())) > 0) {
      const auto position = journal_.Position();
      if (up_to_this_boot && position && position->boot == *journal_.boot())
        return absl::OkStatus();
      Take(journal_, kept_);
      if (auto event = ReadEvent(kept_.record, name_of_))
        sums_.Add(*std::move(event), kept_.record.pid);
      last_ = position;
      more_ = sums_.size() >= limits_.events ||
              (++count_ % kStride == 0 && Clock::now() > until_);
    }
    return code < 0 ? JournalError(code, "reading") : absl::OkStatus();
  }

  // Whether there is more than the limits allow.
  bool more() const { return more_; }
  // The last record that was read.
  const std::optional<JournalPosition>& last() const { return last_; }
  // Adds what was heard.
  void Tell(v1::Heard& heard) {
    for (v1::Event& event : sums_.Take())
      *heard.add_events() = std::move(event);
  }

 private:
  absl::Status Match(const std::string& match) const {
    const int code =
        sd_journal_add_match(journal_.get(), match.data(), match.size());
    return code < 0 ? JournalError(code, "matching") : absl::OkStatus();
  }

  const Journal& journal_;
  const NameOfUid name_of_;
  const HearLimits& limits_;
  const Clock::time_point until_;
  EventSums sums_;
  KeptRecord kept_;
  std::optional<JournalPosition> last_;
  int count_ = 0;
  bool more_ = false;
};

// The library leaves a file alone in which it met damage: then the journal ends
// earlier than it did.
void SayIfCut(const Journal& journal, const JournalPosition& end,
              v1::Heard& heard) {
  sd_journal_flush_matches(journal.get());
  const auto now = EndOf(journal);
  if (now && (now->numbering != end.numbering || now->number >= end.number))
    return;
  const auto time = static_cast<int64_t>(end.time / 1'000'000);
  *heard.add_events() =
      Said(time, fmt::format("a file of the journal is damaged: records before "
                             "{} could not be read",
                             Rfc3339(time)));
}

}  // namespace

absl::StatusOr<v1::Heard> HearJournal(const Host& host,
                                      const JournalPosition& from, int64_t now,
                                      const HearLimits& limits) {
  v1::Heard heard;
  const auto since = static_cast<int64_t>(from.time / 1'000'000);
  ASSIGN_OR_RETURN(const Journal journal, Journal::Open(host, since, heard));
  const auto end = EndOf(journal);
  RETURN_IF_ERROR(Seek(journal, from, now, limits, heard));
  Listener listener(journal, NamesOf(host), limits);
  // Records are in the order of the clock, which may be behind after a boot: it
  // is read from its beginning, and from then on it alone.
  const bool other_boot =
      !from.none() && journal.boot() && from.boot != *journal.boot();
  const bool this_boot = !from.none() && !other_boot && journal.boot();
  RETURN_IF_ERROR(listener.Match(this_boot));
  RETURN_IF_ERROR(listener.Listen(other_boot));
  if (other_boot && !listener.more()) {
    sd_id128_t boot;
    memcpy(&boot, journal.boot()->data(), sizeof boot);
    sd_journal_flush_matches(journal.get());
    RETURN_IF_ERROR(SeekTo(sd_journal_seek_monotonic_usec(journal.get(), boot, 0)));
    RETURN_IF_ERROR(listener.Match(true));
    RETURN_IF_ERROR(listener.Listen(false));
  }
  heard.set_more(listener.more());
  if (!heard.more() && end) SayIfCut(journal, *end, heard);
  listener.Tell(heard);
  // What no event can come from is read as well, up to where the journal ended
  // when it was opened.
  const auto& last = listener.last();
  const bool ends_here =
      end && (!journal.boot() || end->boot == *journal.boot());
  const bool beyond = ends_here && !heard.more() &&
                      (!last || last->numbering != end->numbering ||
                       last->number < end->number);
  heard.set_position((beyond ? *end : last ? *last : from).Bytes());
  return heard;
}

}  // namespace metsuke
