#include "collectors/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/errno_status.h"
#include "collectors/journals.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Of a folder; journald keeps 100 unless it is told otherwise.
constexpr size_t kMostFiles = 4096;
constexpr int kAttempts = 5;

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

// NotFound when it is not there, or is no regular file.
absl::StatusOr<File> OpenFile(const Host& host, const std::string& folder,
                              const std::string& name) {
  ASSIGN_OR_RETURN(const int fd, host.OpenDirectory(folder));
  const Descriptor directory(fd);
  const std::string path = fmt::format("{}/{}", folder, name);
  Descriptor file(openat(fd, name.c_str(),
                         O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info;
  if (!file) return ErrnoStatus(errno, path);
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return absl::NotFoundError(path + ": is no regular file");
  return File{path, std::move(file), info.st_mtim.tv_sec};
}

absl::StatusOr<std::vector<File>> OpenFiles(const Host& host) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const auto names, ListFiles(host));
    if (names.size() > kMostFiles)
      return absl::ResourceExhaustedError(
          fmt::format("the journal has more than {} files", kMostFiles));
    std::vector<File> files;
    for (const auto& [folder, name] : names) {
      auto file = OpenFile(host, folder, name);
      if (absl::IsNotFound(file.status())) continue;
      RETURN_IF_ERROR(file.status());
      files.push_back(*std::move(file));
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
  RETURN_IF_ERROR(JournalStatus(code, "it cannot be opened"));
  for (File& file : files) file.fd.Release();
  return JournalHandle(journal, sd_journal_close);
}

// Takes out the files that are no journal.
absl::Status LeaveOutDamaged(std::vector<File>& files,
                             const Journal::Damage& damage) {
  std::vector<File> good;
  for (File& file : files) {
    File copy{file.path, Descriptor(fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0)),
              file.modified};
    if (!copy.fd) return ErrnoStatus(errno, file.path);
    const absl::Status opened = OpenJournal({&copy, 1}).status();
    if (opened.ok())
      good.push_back(std::move(file));
    else
      damage(file.path, file.modified, Message(opened));
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

}  // namespace

absl::Status JournalStatus(int code, const char* what) {
  if (code >= 0) return absl::OkStatus();
  return Annotate(ErrnoStatus(-code, "journal"), what);
}

absl::StatusOr<Journal> Journal::Open(const Host& host, const Damage& damage) {
  ASSIGN_OR_RETURN(std::vector<File> files, OpenFiles(host));
  const auto boot = WritingBoot(files);
  absl::StatusOr<JournalHandle> journal = OpenJournal(files);
  if (!journal.ok()) {
    RETURN_IF_ERROR(LeaveOutDamaged(files, damage));
    if (!files.empty()) journal = OpenJournal(files);
  }
  RETURN_IF_ERROR(journal.status());
  return Journal(*std::move(journal), boot);
}

absl::StatusOr<Journal> Journal::OpenOne(const Host& host,
                                         const std::string& path) {
  const size_t slash = path.rfind('/');
  ASSIGN_OR_RETURN(File file, OpenFile(host, path.substr(0, slash),
                                       path.substr(slash + 1)));
  ASSIGN_OR_RETURN(JournalHandle journal, OpenJournal({&file, 1}));
  return Journal(std::move(journal), std::nullopt);
}

std::string_view Journal::Field(const char* name) const {
  const void* data = nullptr;
  size_t size = 0;
  if (sd_journal_get_data(get(), name, &data, &size) < 0) return {};
  std::string_view text(static_cast<const char*>(data), size);
  text.remove_prefix(std::min(size, strlen(name) + 1));
  return text;
}

std::optional<JournalPosition> Journal::Position() const {
  char* cursor = nullptr;
  if (sd_journal_get_cursor(get(), &cursor) < 0) return std::nullopt;
  const std::unique_ptr<char, void (*)(void*)> held(cursor, free);
  return JournalPosition::FromCursor(cursor);
}

std::optional<JournalPosition> Journal::GoToEnd() const {
  if (sd_journal_seek_tail(get()) < 0 || sd_journal_previous(get()) <= 0)
    return std::nullopt;
  return Position();
}

}  // namespace metsuke
