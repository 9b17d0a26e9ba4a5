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
#include "proto/canonical.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

// Of a folder; journald keeps 100 unless it is told otherwise.
constexpr size_t kMostFiles = 4096;
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

// The files of the host's own journal, open. Those of namespaces have no
// programs of the system in them.
absl::StatusOr<std::vector<File>> OpenFiles(const Host& host) {
  std::vector<File> files;
  absl::Status trouble;
  const auto folders = FindJournals(
      host, [&](const std::string& path, const std::string& why) {
        trouble = absl::UnavailableError(fmt::format("{}: {}", path, why));
      });
  RETURN_IF_ERROR(trouble);
  for (const JournalFolder& folder : folders) {
    if (!folder.space.empty()) continue;
    ASSIGN_OR_RETURN(const int fd, host.OpenDirectory(folder.path));
    const Descriptor directory(fd);
    ASSIGN_OR_RETURN(const auto names, host.List(folder.path));
    for (const std::string& name : names) {
      if (!name.ends_with(".journal") && !name.ends_with(".journal~")) continue;
      const std::string path = fmt::format("{}/{}", folder.path, name);
      Descriptor file(openat(fd, name.c_str(),
                             O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
      struct stat info;
      if (!file && errno == ENOENT) continue;  // rotated away meanwhile
      if (!file) return ErrnoStatus(errno, path);
      if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      files.push_back({path, std::move(file), info.st_mtim.tv_sec});
    }
  }
  if (files.empty()) return absl::NotFoundError("the host keeps no journal");
  if (files.size() > kMostFiles)
    return absl::ResourceExhaustedError(
        fmt::format("the journal has more than {} files", kMostFiles));
  return files;
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
  event.set_id(Sha256(detail).substr(0, 16));
  return event;
}

// Takes out the files that are no journal, and says so in `heard`.
absl::Status LeaveOutDamaged(std::vector<File>& files, v1::Heard& heard) {
  std::vector<File> good;
  for (File& file : files) {
    File copy{file.path, Descriptor(fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0)),
              file.modified};
    if (!copy.fd) return ErrnoStatus(errno, file.path);
    const absl::Status opened = OpenJournal({&copy, 1}).status();
    if (opened.ok())
      good.push_back(std::move(file));
    else
      *heard.add_events() =
          Said(file.modified, fmt::format("{} cannot be read: {}", file.path,
                                          Message(opened)));
  }
  files = std::move(good);
  return absl::OkStatus();
}

// The host's journal at one of its records.
class Journal {
 public:
  static absl::StatusOr<Journal> Open(const Host& host, v1::Heard& heard) {
    ASSIGN_OR_RETURN(std::vector<File> files, OpenFiles(host));
    absl::StatusOr<JournalHandle> journal = OpenJournal(files);
    if (!journal.ok()) {
      RETURN_IF_ERROR(LeaveOutDamaged(files, heard));
      if (!files.empty()) journal = OpenJournal(files);
    }
    RETURN_IF_ERROR(journal.status());
    return Journal(*std::move(journal));
  }

  sd_journal* get() const { return journal_.get(); }

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
  explicit Journal(JournalHandle journal) : journal_(std::move(journal)) {}

  JournalHandle journal_;
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
  std::string identifier, message, transport, exe, comm, message_id, boot;
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

// The names of the host's own accounts.
NameOfUid NamesOf(const Host& host) {
  std::map<uint32_t, std::string> names;
  int foreign = 0;
  const auto accounts = ReadPasswd(host, &foreign);
  if (accounts.ok())
    for (const PasswdEntry& account : *accounts)
      names.try_emplace(account.uid, account.name);
  return [names](uint32_t uid) {
    const auto found = names.find(uid);
    return found == names.end() ? std::to_string(uid) : found->second;
  };
}

// Goes to the record after `from`; says in `heard` what is missing there.
absl::Status Seek(const Journal& journal, const JournalPosition& from,
                  int64_t now, const HearLimits& limits, v1::Heard& heard) {
  sd_journal* const raw = journal.get();
  if (from.none()) {
    const int64_t first = std::max<int64_t>(0, now - limits.first);
    const int code = sd_journal_seek_realtime_usec(
        raw, static_cast<uint64_t>(first) * 1'000'000);
    return code < 0 ? JournalError(code, "seeking") : absl::OkStatus();
  }
  const std::string cursor = from.Cursor();
  int code = sd_journal_seek_cursor(raw, cursor.c_str());
  if (code < 0) return JournalError(code, "seeking");
  code = sd_journal_next(raw);
  if (code < 0) return JournalError(code, "reading");
  if (code == 0) return absl::OkStatus();
  if (sd_journal_test_cursor(raw, cursor.c_str()) > 0) return absl::OkStatus();
  // The record is gone. What came before it was read; nothing is missing if
  // there still is some of that.
  uint64_t found = 0;
  sd_journal_get_realtime_usec(raw, &found);
  if (sd_journal_previous(raw) > 0) return absl::OkStatus();
  const auto after = static_cast<int64_t>(from.time / 1'000'000);
  const auto before = static_cast<int64_t>(found / 1'000'000);
  *heard.add_events() =
      Said(before, fmt::format("records between {} and {} were gone before "
                               "they could be read",
                               Rfc3339(after), Rfc3339(before)));
  code = sd_journal_seek_head(raw);
  return code < 0 ? JournalError(code, "seeking") : absl::OkStatus();
}

// Where the journal ends at present; nothing when it is empty.
std::optional<JournalPosition> EndOf(const Journal& journal) {
  if (sd_journal_seek_tail(journal.get()) < 0 ||
      sd_journal_previous(journal.get()) <= 0)
    return std::nullopt;
  return journal.Position();
}

}  // namespace

absl::StatusOr<v1::Heard> HearJournal(const Host& host,
                                      const JournalPosition& from, int64_t now,
                                      const HearLimits& limits) {
  const auto until = Clock::now() + limits.time;
  v1::Heard heard;
  ASSIGN_OR_RETURN(const Journal journal, Journal::Open(host, heard));
  const auto end = EndOf(journal);
  RETURN_IF_ERROR(Seek(journal, from, now, limits, heard));
  // Matches of one field are alternatives; journald keeps an index of them, so
  // that the many records of other programs cost nothing.
  for (const std::string_view name : EventIdentifiers()) {
    const std::string match = fmt::format("SYSLOG_IDENTIFIER={}", name);
    const int code = sd_journal_add_match(journal.get(), match.data(), match.size());
    if (code < 0) return JournalError(code, "matching");
  }
  const NameOfUid name_of = NamesOf(host);
  EventSums sums;
  KeptRecord kept;
  std::optional<JournalPosition> last;
  int code = 0, count = 0;
  while ((code = sd_journal_next(journal.get())) > 0) {
    Take(journal, kept);
    if (auto event = ReadEvent(kept.record, name_of))
      sums.Add(*std::move(event), kept.record.pid);
    last = journal.Position();
    if (sums.size() >= limits.events ||
        (++count % kStride == 0 && Clock::now() > until)) {
      heard.set_more(true);
      break;
    }
  }
  if (code < 0) return JournalError(code, "reading");
  for (v1::Event& event : sums.Take())
    *heard.add_events() = std::move(event);
  // What no event can come from is read as well, up to where the journal ended
  // when it was opened.
  const bool beyond = end && !heard.more() &&
                      (!last || last->numbering != end->numbering ||
                       last->number < end->number);
  const JournalPosition reached =
      beyond ? *end : last ? *last : from;
  heard.set_position(reached.Bytes());
  return heard;
}

}  // namespace metsuke
