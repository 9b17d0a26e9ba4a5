#include "collectors/log_shrunk.h"

#include <fmt/format.h>

#include <algorithm>

#include "collectors/words.h"
#include "proto/event_words.h"

namespace metsuke {
namespace {

constexpr char kNowhere[] = ", and what it held is in no rotated file";

// Usage is counted in blocks, and the limits move with the disk.
int64_t Nearly(int64_t bytes) { return bytes / 10 * 9; }

// The first `count` words of a line, and what follows them.
struct Line {
  std::vector<int64_t> numbers;
  std::string_view rest;
};

std::optional<Line> Split(std::string_view line, size_t count) {
  Line split;
  for (size_t i = 0; i < count; ++i) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto number = Number(line.substr(0, space));
    if (!number) return std::nullopt;
    split.numbers.push_back(*number);
    line.remove_prefix(space + 1);
  }
  split.rest = line;
  return split;
}

// A name may hold what ends a line of the note.
bool IsPlain(std::string_view name) {
  return name.find_first_of("\n\t") == std::string_view::npos;
}

bool Holds(const JournalHeld& file, const std::vector<JournalHeld>& held) {
  return std::ranges::any_of(held, [&](const JournalHeld& now) {
    return now.numbering == file.numbering && now.first == file.first;
  });
}

bool IsMakingRoom(const JournalHeld& last, size_t files, int64_t bytes,
                  const JournalRoom& room, int64_t now) {
  if (room.most_bytes > 0 && bytes + last.size >= Nearly(room.most_bytes))
    return true;
  if (room.most_files > 0 && static_cast<int64_t>(files) + 1 >= room.most_files)
    return true;
  if (room.seconds > 0 && last.oldest <= now - room.seconds) return true;
  return Nearly(room.free - last.size) <= room.keep_free;
}

}  // namespace

// FNV-1a, for it is the same in every process.
uint64_t LogHeadOf(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  // Number reads no more than that.
  return hash >> 1;
}

std::optional<std::string> LostSince(const LogHeld& before, LogFormat format,
                                     const LogNow& now) {
  if (before.size == 0) return std::nullopt;
  if (now.other != nullptr)
    return fmt::format("{}is {} now{}", kCleared, now.other, kNowhere);
  if (!now.there) return fmt::format("{}is gone{}", kCleared, kNowhere);
  if (now.size == 0) return fmt::format("{}was emptied{}", kCleared, kNowhere);
  if (format == LogFormat::kLastlog || format == LogFormat::kWtmpdb)
    return std::nullopt;
  if (now.size < before.size)
    return fmt::format("{}shrank from {} to {} bytes{}", kCleared, before.size,
                       now.size, kNowhere);
  if (!now.same_head) return fmt::format("{}begins anew{}", kCleared, kNowhere);
  return std::nullopt;
}

std::optional<JournalLoss> LostSince(const std::vector<JournalHeld>& before,
                                     const std::vector<JournalHeld>& held,
                                     const std::vector<std::string>& unread,
                                     const JournalRoom& room, int64_t now) {
  std::vector<JournalHeld> gone = before;
  std::erase_if(gone, [&](const JournalHeld& file) {
    return Holds(file, held) ||
           std::ranges::find(unread, file.name) != unread.end();
  });
  if (gone.empty()) return std::nullopt;
  int64_t bytes = 0;
  for (const JournalHeld& file : held) bytes += file.size;
  const JournalHeld& last = *std::ranges::max_element(
      gone, {}, [](const JournalHeld& file) { return file.oldest; });
  if (IsMakingRoom(last, held.size() + unread.size(), bytes, room, now))
    return std::nullopt;
  JournalLoss loss{.files = gone.size(), .since = last.oldest, .until = now};
  for (const JournalHeld& file : gone)
    loss.since = std::min(loss.since, file.oldest);
  for (const JournalHeld& file : held) {
    if (file.newest < loss.since) continue;
    // What reaches over the beginning has records of the time on both sides.
    const int64_t from = std::max(file.oldest, last.newest);
    loss.until = std::min(loss.until, from);
  }
  return loss;
}

std::string LogMemory::ToText() const {
  std::string text = fmt::format("L {}\n", looked);
  for (const auto& [path, log] : logs)
    if (IsPlain(path))
      text += fmt::format("F {} {} {} {} {} {} {} {}\n", log.size, log.modified,
                          log.changed, log.oldest, log.newest, log.head,
                          log.head_bytes, path);
  for (const auto& [folder, files] : journals)
    for (const JournalHeld& file : files)
      if (IsPlain(file.name))
        text += fmt::format("J {} {} {} {} {}\t{}\t{}\n", file.first,
                            file.oldest, file.newest, file.size, file.numbering,
                            file.name, folder);
  for (const LogCleared& row : told)
    if (IsPlain(row.path))
      text += fmt::format("T {} {} {} {}\t{}\t{}\n", row.seen, row.since,
                          row.until, row.source, row.path, row.reason);
  return text;
}

LogMemory LogMemory::FromText(std::string_view text) {
  LogMemory memory;
  for (const std::string_view line : Lines(text)) {
    if (line.size() < 3 || line[1] != ' ') continue;
    const std::string_view rest = line.substr(2);
    if (line[0] == 'L') memory.looked = Number(rest).value_or(0);
    if (line[0] == 'F') {
      const auto split = Split(rest, 7);
      if (!split) continue;
      const auto& n = split->numbers;
      memory.logs[std::string(split->rest)] = {n[0],
                                               n[1],
                                               n[2],
                                               n[3],
                                               n[4],
                                               static_cast<uint64_t>(n[5]),
                                               static_cast<size_t>(n[6])};
    }
    const auto split = Split(rest, line[0] == 'J' ? 4 : 3);
    if ((line[0] != 'J' && line[0] != 'T') || !split) continue;
    const size_t one = split->rest.find('\t');
    if (one == std::string_view::npos) continue;
    const size_t two = split->rest.find('\t', one + 1);
    if (two == std::string_view::npos) continue;
    const std::string first(split->rest.substr(0, one)),
        second(split->rest.substr(one + 1, two - one - 1)),
        third(split->rest.substr(two + 1));
    const auto& n = split->numbers;
    if (line[0] == 'J')
      memory.journals[third].push_back(
          {second, first, static_cast<uint64_t>(n[0]), n[1], n[2], n[3]});
    else
      memory.told.push_back({n[0], n[1], n[2], first, second, third});
  }
  return memory;
}

}  // namespace metsuke
