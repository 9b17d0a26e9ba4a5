#include "collectors/log_clearings.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "collectors/collector.h"
#include "collectors/journal_config.h"
#include "collectors/log_names.h"
#include "collectors/log_order.h"
#include "collectors/log_retention.h"
#include "collectors/unpack.h"
#include "proto/event_words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kNote[] = "logs";
constexpr int64_t kDay = 86400;
// What is left from look to look is bounded, whatever stands below /var/log.
constexpr size_t kMostLogs = 1000, kMostTold = 100;

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string NameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool IsOwn(const std::string& path) {
  constexpr std::string_view kOwn[] = {"syslog", "auth", "audit",
                                       "wtmp",   "btmp", "lastlog"};
  return std::ranges::find(kOwn, LogKind(path)) != std::end(kOwn);
}

// Whether its program gave it a name for the time it was to write there.
bool HasYear(const std::string& name) {
  constexpr std::string_view kDigits = "0123456789";
  for (size_t at = name.find("20"); at != std::string::npos;
       at = name.find("20", at + 1))
    if (at + 4 <= name.size() &&
        kDigits.find(name[at + 2]) != std::string_view::npos &&
        kDigits.find(name[at + 3]) != std::string_view::npos)
      return true;
  return false;
}

bool IsDatabase(LogFormat format) {
  return format == LogFormat::kLastlog || format == LogFormat::kWtmpdb;
}

std::string ToHex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

class Clearings {
 public:
  Clearings(const Host& host, const std::vector<v1::LogrotateRule>& rules,
            const Zone& zone, Gaps& gaps)
      : host_(host),
        rules_(rules),
        zone_(zone),
        gaps_(gaps),
        now_(std::time(nullptr)),
        before_(LogMemory::FromText(host.Left(kNote))) {
    after_.looked = now_;
    after_.told = std::move(before_.told);
  }

  void LookAtLogs(const std::vector<LogStream>& streams) {
    std::map<std::string, const LogStream*> logs;
    for (const LogStream& stream : streams) logs[stream.path] = &stream;
    for (const char* database :
         {"/var/lib/wtmpdb/wtmp.db", "/var/lib/lastlog/lastlog2.db"})
      logs.try_emplace(database, nullptr);
    for (const auto& [path, log] : before_.logs)
      logs.try_emplace(path, nullptr);
    for (const bool own : {true, false})
      for (const auto& [path, stream] : logs) {
        if (IsOwn(path) != own || IsPacked(path)) continue;
        pieces_ = stream == nullptr ? std::vector<LogPiece>() : stream->pieces;
        LookAt(path);
      }
  }

  void LookAtJournals(
      const std::vector<std::pair<std::string, std::vector<JournalFile>>>&
          journals) {
    std::map<std::string, std::vector<JournalFile>> folders;
    for (const auto& [path, files] : journals)
      for (const JournalFile& file : files)
        folders[FolderOf(file.path)].push_back(file);
    for (const auto& [folder, files] : before_.journals)
      folders.try_emplace(folder);
    const bool kept = std::ranges::any_of(folders, [](const auto& one) {
      return one.first.starts_with("/var/") && !one.second.empty();
    });
    for (const auto& [folder, files] : folders)
      // What was in memory goes to the disk.
      if (!kept || !folder.starts_with("/run/")) LookAtJournal(folder, files);
  }

  std::vector<LogCleared> Take(const std::vector<LogStream>& streams) {
    after_.Forget(now_, [&](const std::string& path) -> int64_t {
      for (const LogStream& stream : streams) {
        if (stream.path != path) continue;
        const auto span =
            ReadLog(host_, LogFormatOf(path),
                    InOrder(host_, path, stream.pieces, zone_), zone_,
                    [](const auto&, const auto&) {});
        return span ? span->oldest : 0;
      }
      return 0;
    });
    // Who may write to a log of his own does not crowd out what is told of the
    // system's.
    while (after_.told.size() > kMostTold) {
      const auto other =
          std::ranges::find(after_.told, "application", &LogCleared::source);
      after_.told.erase(other == after_.told.end() ? after_.told.begin()
                                                   : other);
    }
    host_.Leave(kNote, after_.ToText());
    return std::move(after_.told);
  }

 private:
  // What stands at a path now. Nothing where that is not to be known.
  std::optional<LogNow> NowAt(const std::string& path, LogHeld& held) {
    constexpr const char* kKinds[] = {nullptr,  "a folder", nullptr,
                                      "a FIFO", "a socket", "a device"};
    const auto info = host_.Stat(path);
    if (absl::IsNotFound(info.status())) return LogNow{};
    if (!info.ok()) return std::nullopt;
    LogNow now{.other = kKinds[static_cast<int>(info->kind)]};
    if (now.other != nullptr) return now;
    now.there = true;
    now.size = held.size = info->size;
    held.modified = info->modified;
    held.changed = info->changed;
    return now;
  }

  // Fills what is read of the file.
  bool Read(const std::string& path, LogHeld& held) {
    const LogFormat format = LogFormatOf(path);
    const auto info = host_.Stat(path);
    if (!info.ok()) return false;
    const auto span = ReadPiece(host_, format, {path, *info}, zone_);
    if (span.ok() && *span) {
      held.oldest = (*span)->oldest;
      held.newest = (*span)->newest;
    } else if (IsOwn(path)) {
      held.oldest = held.newest = held.modified;
    } else if (held.size > 0) {
      return false;  // not every file is a log
    }
    if (IsDatabase(format)) return true;
    const auto head = host_.ReadBytes(path, 0, kLogHead);
    if (!head.ok()) return false;
    held.head_bytes = std::min(head->size(), static_cast<size_t>(held.size));
    held.head = LogHeadOf(std::string_view(*head).substr(0, held.head_bytes));
    return true;
  }

  // Whether the first bytes of a file are those of `before`; nothing when it
  // cannot be read.
  std::optional<bool> HasHead(const std::string& path, const LogHeld& before) {
    const auto bytes = IsPacked(path)
                           ? UnpackHead(host_, path, before.head_bytes)
                           : host_.ReadBytes(path, 0, before.head_bytes);
    if (!bytes.ok()) return std::nullopt;
    return bytes->size() >= before.head_bytes &&
           LogHeadOf(std::string_view(*bytes).substr(0, before.head_bytes)) ==
               before.head;
  }

  bool IsKept(const std::string& path, const LogHeld& before) {
    if (IsOwn(path) || RotationsOf(rules_, path)) return true;
    if (HasYear(NameOf(path))) return false;
    return pieces_.size() > 1 || before.newest - before.oldest > kDay;
  }

  void LookAt(const std::string& path) {
    const auto known = before_.logs.find(path);
    LogHeld held;
    std::optional<LogNow> now = NowAt(path, held);
    if (known == before_.logs.end()) {
      if (now && now->there && Read(path, held)) Keep(path, held);
      return;
    }
    const LogHeld& before = known->second;
    if (!now) return Keep(path, before);
    if (now->there && held.size == before.size &&
        held.modified == before.modified && held.changed == before.changed)
      return Keep(path, before);
    if (now->there) {
      const bool read = Read(path, held);
      // Of what cannot be read only the size counts.
      now->same_head = HasHead(path, before).value_or(true);
      if (read || now->size < before.size) Keep(path, held);
    }
    const auto why = LostSince(before, LogFormatOf(path), *now);
    if (why && IsKept(path, before) && !IsRotated(path, before))
      Tell(path, before, held, *why);
  }

  // Whether what it held is elsewhere, or was to go.
  bool IsRotated(const std::string& path, const LogHeld& before) {
    if (RotationsOf(rules_, path) == 0) return true;
    if (before.head_bytes == 0) return false;
    // Rotated more often than files are kept.
    size_t rotated = 0, young = 0;
    for (const LogPiece& piece : pieces_)
      if (piece.path != path) {
        ++rotated;
        young += piece.info.size > 0 && piece.info.modified > before_.looked;
      }
    if (rotated > 0 && young == rotated) return true;
    std::set<std::string> folders = {FolderOf(path)};
    if (const std::string old = OldFolderOf(rules_, path); !old.empty())
      folders.insert(old);
    for (const std::string& folder : folders)
      if (IsFoundIn(folder, path, before)) return true;
    return false;
  }

  // Listed anew, for files may have been renamed while this look was under way.
  bool IsFoundIn(const std::string& folder, const std::string& path,
                 const LogHeld& before) {
    const std::string name = NameOf(path);
    const std::string stem = name.substr(0, name.find('.'));
    const auto names = host_.List(folder);
    if (!names.ok()) {
      if (!absl::IsNotFound(names.status()))
        gaps_.Add(folder, Message(names.status()));
      return false;
    }
    bool unknown = false;
    for (const std::string& other : *names) {
      const std::string at = fmt::format("{}/{}", folder, other);
      const bool packed = IsPacked(other);
      if (at == path || (packed && !other.starts_with(stem))) continue;
      if (host_.ReadLink(at).ok()) continue;
      const auto info = host_.Stat(at);
      if (!info.ok() || info->kind != FileInfo::Kind::kRegular ||
          info->modified < before.modified ||
          (!packed && info->size < before.size))
        continue;
      const auto same = HasHead(at, before);
      if (same.value_or(false)) return true;
      if (same || !packed) continue;
      unknown = true;
      gaps_.Add(at, "whether it holds what was in " + path +
                        " before is not to be seen");
    }
    return unknown;
  }

  void Keep(const std::string& path, const LogHeld& held) {
    if (after_.logs.size() == kMostLogs)
      return gaps_.Add("/var/log",
                       fmt::format("{} logs are watched for what is taken from "
                                   "them, and there are more",
                                   kMostLogs));
    after_.logs[path] = held;
  }

  void Tell(const std::string& path, const LogHeld& before, const LogHeld& held,
            const std::string& why) {
    int64_t since = before.oldest, until = now_;
    if (held.newest != 0 && held.newest < before.newest)
      since = held.newest;
    else if (held.oldest != 0)
      until = std::max(before.newest, held.oldest);
    Tell({now_, since, until, LogKind(path), path, why});
  }

  void Tell(LogCleared row) {
    std::erase_if(after_.told, [&](const LogCleared& known) {
      return known.path == row.path && known.since == row.since &&
             known.reason == row.reason;
    });
    after_.told.push_back(std::move(row));
  }

  void LookAtJournal(const std::string& folder,
                     const std::vector<JournalFile>& files) {
    std::vector<JournalHeld> held;
    std::vector<std::string> unread;
    for (const JournalFile& file : files)
      if (!file.unread.empty())
        unread.push_back(file.name);
      else if (file.span)
        held.push_back({file.name, ToHex(file.numbering), file.first,
                        file.span->oldest, file.span->newest, file.size});
    const auto known = before_.journals.find(folder);
    if (known == before_.journals.end()) {
      after_.journals[folder] = std::move(held);
      return;
    }
    // What cannot be listed is told; it may all be there.
    if (files.empty()) {
      const auto names = host_.List(folder);
      if (names.ok() ? !names->empty() : !absl::IsNotFound(names.status())) {
        after_.journals[folder] = known->second;
        return;
      }
    }
    after_.journals[folder] = held;
    if (!LostSince(known->second, held, unread, {.free = INT64_MAX}, now_))
      return;
    const auto room = RoomIn(folder);
    if (!room.ok()) return gaps_.Add(folder, Message(room.status()));
    const auto loss = LostSince(known->second, held, unread, *room, now_);
    if (!loss) return;
    Tell({now_, loss->since, loss->until, "journal", folder + "/system.journal",
          fmt::format("{}{} {} gone, and journald's limits were not reached",
                      kCleared, loss->files,
                      loss->files == 1 ? "file is" : "files are")});
  }

  // The limits of a journal; why they are not known.
  absl::StatusOr<JournalRoom> RoomIn(const std::string& folder) {
    std::vector<v1::JournalOption> options;
    const std::string name = NameOf(folder);
    if (const size_t dot = name.find('.'); dot != std::string::npos) {
      const std::string path =
          fmt::format("/etc/systemd/journald@{}.conf", name.substr(dot + 1));
      auto text = host_.Read(path);
      if (text.ok())
        options = JournalOptions({{path, *std::move(text)}}, false);
      else if (!absl::IsNotFound(text.status()))
        return text.status();
    } else {
      v1::Snapshot read;
      RETURN_IF_ERROR(CollectJournalConfig(host_, read));
      options.assign(read.journal_config().begin(),
                     read.journal_config().end());
    }
    // The folder itself may be gone.
    const std::string above =
        host_.Exists(folder).value_or(false) ? folder : "/var/log";
    ASSIGN_OR_RETURN(const FileSystemRoom disk, host_.FileSystem(above));
    return RoomOfJournal(options, folder.starts_with("/run/"), disk.bytes,
                         disk.free);
  }

  const Host& host_;
  const std::vector<v1::LogrotateRule>& rules_;
  const Zone& zone_;
  Gaps& gaps_;
  const int64_t now_;
  LogMemory before_, after_;
  std::vector<LogPiece> pieces_;  // of the log that is looked at
};

}  // namespace

std::vector<LogCleared> FindClearings(
    const Host& host, const std::vector<LogStream>& streams,
    const std::vector<v1::LogrotateRule>& rules,
    const std::vector<std::pair<std::string, std::vector<JournalFile>>>&
        journals,
    const Zone& zone, Gaps& gaps) {
  Clearings clearings(host, rules, zone, gaps);
  clearings.LookAtLogs(streams);
  clearings.LookAtJournals(journals);
  return clearings.Take(streams);
}

}  // namespace metsuke
