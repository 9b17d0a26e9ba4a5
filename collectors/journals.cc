#include "collectors/journals.h"

#include <endian.h>
#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The header as JOURNAL_FILE_FORMAT of systemd lays it down; all numbers are
// little-endian, and later versions have only added fields at its end.
absl::StatusOr<JournalFile> ReadFile(const Host& host,
                                     const std::string& path) {
  constexpr std::string_view kSignature = "LPKSHHRH";
  constexpr uint8_t kArchived = 2;  // STATE_ARCHIVED
  constexpr size_t kCompatible = 8, kState = 16, kNumbering = 72, kHeaderSize = 88,
                   kEntries = 152, kLast = 160, kFirst = 168, kHead = 184,
                   kTail = 192, kHeader = 208;
  ASSIGN_OR_RETURN(const FileInfo info, host.Stat(path));
  ASSIGN_OR_RETURN(const std::string bytes, host.ReadBytes(path, 0, kHeader));
  const auto number = [&](size_t at) {
    uint64_t value;
    memcpy(&value, bytes.data() + at, sizeof value);
    return le64toh(value);
  };
  if (bytes.size() < kHeader || !bytes.starts_with(kSignature) ||
      number(kHeaderSize) < kHeader)
    return absl::InvalidArgumentError(
        fmt::format("{}: no header of a journal", path));
  JournalFile file{.path = path,
                   .name = {},
                   .size = info.size,
                   .span = std::nullopt,
                   .entries = static_cast<int64_t>(number(kEntries)),
                   // HEADER_COMPATIBLE_SEALED
                   .sealed = (bytes[kCompatible] & 1) != 0,
                   .numbering = bytes.substr(kNumbering, 16),
                   .first = number(kFirst),
                   .last = number(kLast),
                   .torn = path.ends_with('~'),
                   .closed = bytes[kState] == kArchived};
  if (file.entries == 0) return file;
  const uint64_t oldest = number(kHead) / 1000000,
                 newest = number(kTail) / 1000000;
  if (oldest == 0 || oldest > newest || newest > UINT32_MAX)
    return absl::InvalidArgumentError(
        fmt::format("{}: a header with impossible times", path));
  file.span = Bounded({static_cast<int64_t>(oldest),
                       static_cast<int64_t>(newest)});
  return file;
}

}  // namespace

std::vector<JournalFolder> FindJournals(const Host& host,
                                        const LogTrouble& trouble) {
  const auto text = host.Read("/etc/machine-id");
  const std::string id(text.ok() ? Strip(*text) : "");
  std::vector<JournalFolder> folders;
  for (const char* base : {"/var/log/journal", "/run/log/journal"}) {
    const auto names = host.List(base);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) {
      trouble(base, Message(names.status()));
    } else if (id.empty() && !names->empty()) {
      trouble(base, "no telling which journal is this host's: " +
                        (text.ok() || absl::IsNotFound(text.status())
                             ? "the host has no machine id"
                             : Message(text.status())));
    } else {
      for (const std::string& name : *names)
        if (name == id || name.starts_with(id + "."))
          folders.push_back(
              {fmt::format("{}/{}", base, name),
               name == id ? "" : name.substr(id.size() + 1)});
    }
  }
  return folders;
}

absl::StatusOr<std::vector<JournalFile>> ReadJournalFiles(
    const Host& host, const std::string& folder, const LogTrouble& trouble) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, host.List(folder));
  std::vector<JournalFile> files;
  for (const std::string& name : names) {
    if (!name.ends_with(".journal") && !name.ends_with(".journal~")) continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    auto file = ReadFile(host, path);
    if (absl::IsNotFound(file.status())) continue;  // removed meanwhile
    JournalFile& known = files.emplace_back();
    if (file.ok()) {
      known = *std::move(file);
    } else {
      known.unread = Message(file.status());
      trouble(path, known.unread);
    }
    known.path = path;
    known.name = name;
  }
  return files;
}

absl::StatusOr<std::vector<JournalStream>> ReadJournals(
    const Host& host, const std::string& folder, const LogTrouble& trouble) {
  ASSIGN_OR_RETURN(const std::vector<JournalFile> files,
                   ReadJournalFiles(host, folder, trouble));
  std::vector<JournalStream> streams = {{"system.journal"}, {"user-*.journal"}};
  for (const JournalFile& file : files) {
    JournalStream& stream = streams[file.name.starts_with("user-") ? 1 : 0];
    ++stream.files;
    const auto info = host.Stat(fmt::format("{}/{}", folder, file.name));
    if (info.ok() && (!stream.info || file.name == stream.name))
      stream.info = *info;
    if (stream.unread.empty()) stream.unread = file.unread;
    stream.size += file.size;
    stream.entries += file.entries;
    stream.sealed = stream.sealed && file.sealed;
    if (file.span) Join(*file.span, stream.span);
  }
  std::erase_if(streams, [](const auto& stream) { return stream.files == 0; });
  return streams;
}

}  // namespace metsuke
