// What was taken from logs between one look and the next: which losses no
// rotation makes, and what is remembered for that. Nothing here reads anything.

#ifndef METSUKE_COLLECTORS_LOG_SHRUNK_H_
#define METSUKE_COLLECTORS_LOG_SHRUNK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/log_reader.h"
#include "collectors/log_retention.h"

namespace metsuke {

// How many of the first bytes of a log tell it from others: two records of
// utmp(5) and more, whose times stand near their end.
inline constexpr size_t kLogHead = 1024;

uint64_t LogHeadOf(std::string_view bytes);

// The current file of a log at one look. Times are in seconds since 1970-01-01
// UTC.
struct LogHeld {
  int64_t size = 0, modified = 0, changed = 0;
  int64_t oldest = 0, newest = 0;  // its records
  uint64_t head = 0;               // LogHeadOf of the first `head_bytes`
  size_t head_bytes = 0;

  bool operator==(const LogHeld&) const = default;
};

// What stands at the same path at the next look.
struct LogNow {
  const char* other = nullptr;  // "a FIFO" and the like, where it is no file
  bool there = false;           // whether it is a regular file
  int64_t size = 0;
  bool same_head = false;
};

// Why not all that `before` held is there; nothing where it is, or may be. The
// databases of utmp's successors and those with a record for each account are
// written over: only whether they are there and hold anything counts.
std::optional<std::string> LostSince(const LogHeld& before, LogFormat format,
                                     const LogNow& now);

// One file of a journal at one look.
struct JournalHeld {
  std::string name;       // of the file
  std::string numbering;  // JournalFile.numbering in hexadecimal
  uint64_t first = 0;
  int64_t oldest = 0, newest = 0, size = 0;

  bool operator==(const JournalHeld&) const = default;
};

// The first files that went and the time of the first record that is left
// behind them, `now` where there is none.
struct JournalLoss {
  size_t files = 0;
  int64_t since = 0, until = 0;
};

// What journald did not remove itself: it takes the oldest file away as long as
// a limit is passed, so that with the last one that went it was. `unread` are
// the names of files that are there and cannot be told from others.
std::optional<JournalLoss> LostSince(const std::vector<JournalHeld>& before,
                                     const std::vector<JournalHeld>& held,
                                     const std::vector<std::string>& unread,
                                     const JournalRoom& room, int64_t now);

// A row of log_gaps. `since` is the last record that is left before what is
// missing, or else the first one that is.
struct LogCleared {
  int64_t seen = 0, since = 0, until = 0;
  std::string source, path, reason;

  bool operator==(const LogCleared&) const = default;
};

// What is left from one look to the next.
struct LogMemory {
  int64_t looked = 0;                   // when; 0 for never
  std::map<std::string, LogHeld> logs;  // by path
  std::map<std::string, std::vector<JournalHeld>> journals;  // by folder
  std::vector<LogCleared> told;                              // the oldest first

  std::string ToText() const;
  // What ToText wrote; what is anything else is passed over.
  static LogMemory FromText(std::string_view text);

  // Forgets what was told a week ago and more and lies before all that its log
  // holds, which begins at oldest(path), 0 when it holds nothing.
  template <typename Oldest>
  void Forget(int64_t now, const Oldest& oldest) {
    constexpr int64_t kWeek = 7 * 86400;
    std::erase_if(told, [&](const LogCleared& row) {
      if (row.seen >= now - kWeek) return false;
      const int64_t begin = oldest(row.path);
      return begin == 0 || begin >= row.until;
    });
  }
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_SHRUNK_H_
