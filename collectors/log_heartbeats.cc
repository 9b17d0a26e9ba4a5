// Fills the log_heartbeats table: whether the lines that the agent gave to
// syslog(3) are in the logs that must have them.
//
// That is looked for once for each heartbeat and then stands: the line is at the
// end of the log now, and later it would have to be sought. So nothing that is
// read here counts as an input but the heartbeat.

#include <endian.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/gaps.h"
#include "collectors/heartbeat_line.h"
#include "collectors/journals.h"
#include "collectors/log_names.h"
#include "collectors/log_reader.h"
#include "collectors/syslog_writer.h"
#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogHeartbeats(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "log_heartbeats";
// How long a line may take from the agent to the last log.
constexpr auto kPatience = std::chrono::milliseconds(3000);
constexpr auto kPause = std::chrono::milliseconds(100);
// How much of the end of a log is looked through, and at once. A log that grows
// by more in an hour would be told wrongly only after the collector was started
// anew: all other times it looks when the line was just written.
constexpr int64_t kMostBytes = 16 << 20, kBlock = 1 << 20;

// Whether a route of this severity, as in SyslogRoute, takes messages of info.
bool TakesInfo(const std::string& severity) {
  if (!severity.starts_with('=')) return severity == "info" || severity == "debug";
  return std::ranges::count(Pieces(severity, ','), "=info") > 0;
}

// Where the records of a journal end in its file: behind the last object, whose
// place is in the header (JOURNAL_FILE_FORMAT of systemd); the file goes on.
absl::StatusOr<int64_t> EndOfJournal(const Host& host, const std::string& path,
                                     int64_t size) {
  constexpr size_t kTailObject = 136, kLength = 8;
  ASSIGN_OR_RETURN(const std::string header,
                   host.ReadBytes(path, 0, kTailObject + kLength));
  if (header.size() < kTailObject + kLength)
    return absl::InvalidArgumentError(path + ": no header of a journal");
  uint64_t tail;
  memcpy(&tail, header.data() + kTailObject, kLength);
  tail = le64toh(tail);
  return std::min(size, static_cast<int64_t>(std::min<uint64_t>(
                            tail, INT64_MAX - kBlock)) +
                            kBlock);
}

// Whether `text` stands in the file, not more than `most` bytes before its end.
absl::StatusOr<bool> EndHas(const Host& host, const std::string& path,
                            const std::string& text, int64_t most) {
  ASSIGN_OR_RETURN(const FileInfo info, host.Stat(path));
  int64_t end = info.size;
  if (path.ends_with(".journal")) {
    ASSIGN_OR_RETURN(end, EndOfJournal(host, path, end));
  }
  const int64_t last = std::max<int64_t>(0, end - most);
  const auto overlap = static_cast<int64_t>(text.size()) - 1;
  while (end > last + overlap) {
    const int64_t begin = std::max(last, end - kBlock);
    ASSIGN_OR_RETURN(
        const std::string bytes,
        host.ReadBytes(path, begin, static_cast<size_t>(end - begin)));
    if (bytes.find(text) != bytes.npos) return true;
    if (begin == last) break;
    end = begin + overlap;
  }
  return false;
}

// A line that a log must have.
struct Expected {
  std::string path;  // of the log
  const char* facility;
  // In any of these the line is in the log.
  std::vector<std::string> files;
  bool arrived = false;
  std::string trouble;  // why it cannot be looked for
};

class Heartbeats {
 public:
  Heartbeats(const Host& host, v1::Snapshot& snapshot)
      : host_(host), snapshot_(snapshot), gaps_(kTable, snapshot) {}

  void Expect() {
    if (JournalTakesInfo()) ExpectInJournal();
    const SyslogWriter syslog(
        host_, [&](const std::string& subject, const std::string& why) {
          gaps_.Add(subject, why);
        });
    for (const auto& [path, rules] : syslog.files())
      for (const char* facility : kHeartbeatFacilities) {
        const auto rule = rules.find(facility);
        if (path.starts_with('/') && !path.starts_with("/dev/") &&
            rule != rules.end() && TakesInfo(rule->second.severity()))
          expected_.push_back({path, facility, FilesOf(path)});
      }
  }

  bool expects() const { return !expected_.empty(); }

  // Whether all have arrived or cannot be looked for.
  bool Look(uint64_t heartbeat, int64_t most) {
    for (Expected& line : expected_)
      if (!line.arrived)
        Look(HeartbeatLine(line.facility, heartbeat), most, line);
    return std::ranges::all_of(expected_, [](const Expected& line) {
      return line.arrived || !line.trouble.empty();
    });
  }

  // What has not arrived at the first look may be late.
  void Tell(bool first) {
    for (const Expected& line : expected_) {
      if (!line.trouble.empty() || (first && !line.arrived)) {
        gaps_.Add(line.path, line.trouble.empty()
                                 ? "the line that was given to syslog(3) has not "
                                   "arrived yet; the next look tells"
                                 : line.trouble);
        continue;
      }
      v1::LogHeartbeat& row = *snapshot_.add_log_heartbeats();
      row.set_path(line.path);
      row.set_facility(line.facility);
      row.set_arrived(line.arrived);
    }
  }

 private:
  // Whether journald is to keep messages of info (journald.conf(5)).
  bool JournalTakesInfo() {
    v1::Snapshot read;
    const absl::Status status = CollectJournalConfig(host_, read);
    if (!status.ok() && !IsAbsent(status))
      gaps_.Add("journald's configuration", Message(status));
    return std::ranges::none_of(read.journal_config(), [](const auto& option) {
      if (option.option() == "Storage") return option.value() == "none";
      return option.option() == "MaxLevelStore" && option.value() != "info" &&
             option.value() != "debug" && option.value() != "6" &&
             option.value() != "7";
    });
  }

  // journald writes below /run until it may below /var, or for ever: the one that
  // was written to last is the journal.
  void ExpectInJournal() {
    std::vector<std::pair<int64_t, std::string>> journals;
    const auto folders = FindJournals(
        host_, [&](const std::string& base, const std::string& why) {
          gaps_.Add(base, why);
        });
    for (const JournalFolder& found : folders) {
      const std::string path = found.path + "/system.journal";
      const auto info = host_.Stat(path);
      if (found.space.empty() && info.ok())
        journals.emplace_back(info->modified, path);
    }
    if (journals.empty()) return;
    const std::string path = std::ranges::max(journals).second;
    for (const char* facility : kHeartbeatFacilities)
      expected_.push_back({path, facility, FilesOf(path)});
  }

  // The log may have been rotated since: then the line is in the file before.
  std::vector<std::string> FilesOf(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/'));
    const std::string base = path.substr(path.rfind('/') + 1);
    std::vector<std::pair<int64_t, std::string>> files;
    const auto names = host_.List(folder);
    if (names.ok())
      for (const std::string& name : *names) {
        const bool same = base == "system.journal"
                              ? name.starts_with("system@") &&
                                    name.ends_with(".journal")
                              : !IsPacked(name) && LogBase(name) == base;
        if (name == base || !same) continue;
        const auto info = host_.Stat(folder + "/" + name);
        if (info.ok() && info->kind == FileInfo::Kind::kRegular)
          files.emplace_back(info->modified, folder + "/" + name);
      }
    std::vector<std::string> last = {path};
    if (!files.empty()) last.push_back(std::ranges::max(files).second);
    return last;
  }

  void Look(const std::string& text, int64_t most, Expected& line) {
    line.trouble.clear();
    for (const std::string& path : line.files) {
      const auto found = EndHas(host_, path, text, most);
      if (found.ok() && *found) line.arrived = true;
      if (!found.ok() && !absl::IsNotFound(found.status()))
        line.trouble = Message(found.status());
    }
    if (line.arrived) line.trouble.clear();
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
  Gaps gaps_;
  std::vector<Expected> expected_;
};

}  // namespace

absl::Status CollectLogHeartbeats(const Host& host, v1::Snapshot& snapshot) {
  const uint64_t heartbeat = host.Heartbeat();
  if (heartbeat == 0)
    return absl::UnavailableError("the agent gave no line to look for");
  const bool first = !host.LookedForHeartbeat();
  bool all = false;
  {
    const Host::Unrecorded unrecorded(host);
    Heartbeats heartbeats(host, snapshot);
    heartbeats.Expect();
    if (!heartbeats.expects())
      return Absent("the host keeps no journal and no file of a system logger");
    all = heartbeats.Look(heartbeat, kMostBytes);
    // What comes now comes at the end.
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (first && !all && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kPause);
      all = heartbeats.Look(heartbeat, kBlock);
    }
    heartbeats.Tell(first);
  }
  // It may be late, and what cannot be read now may be later.
  if (!all) host.ReadLive();
  return absl::OkStatus();
}

}  // namespace metsuke
