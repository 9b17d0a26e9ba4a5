#include "collectors/audit_log.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "collectors/log_retention.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kChunk = 256 << 10;
// The kernel's longest record is 8,970 bytes (MAX_AUDIT_MESSAGE_LENGTH); what
// auditd adds of names is less.
constexpr size_t kLongestLine = 64 << 10;
constexpr size_t kHead = 4096;
// The kernel writes the records of an event at once.
constexpr uint64_t kSettled = 3000;  // milliseconds
// What comes while this reads has a time that had not come when it began.
constexpr uint64_t kReading = 60'000;  // milliseconds
constexpr int kStride = 256;           // lines between two looks at the clock

struct LogFile {
  std::string path;
  FileInfo info;
};

// The log and what it was rotated into, the oldest first.
absl::StatusOr<std::vector<LogFile>> FilesOf(const Host& host) {
  const auto conf = host.Read("/etc/audit/auditd.conf");
  if (!conf.ok() && !absl::IsNotFound(conf.status())) return conf.status();
  const std::string path =
      conf.ok() ? ReadAuditdConf(*conf).path : AuditLog().path;
  const size_t slash = path.rfind('/');
  if (slash == path.npos)
    return absl::InvalidArgumentError(
        "/etc/audit/auditd.conf: log_file is no absolute path");
  const std::string folder = path.substr(0, std::max<size_t>(slash, 1));
  const std::string name = path.substr(slash + 1);
  ASSIGN_OR_RETURN(const auto names, host.List(folder));
  std::vector<std::pair<int64_t, LogFile>> found;
  for (const std::string& other : names) {
    int64_t age = 0;
    if (other != name) {
      if (!other.starts_with(name + ".")) continue;
      const auto number = Number(other.substr(name.size() + 1));
      if (!number || *number < 1) continue;
      age = *number;
    }
    const std::string file = path.substr(0, slash + 1) + other;
    const auto info = host.Stat(file);
    // It may have been rotated away since.
    if (absl::IsNotFound(info.status())) continue;
    RETURN_IF_ERROR(info.status());
    found.push_back({-age, {file, *info}});
  }
  std::ranges::sort(found, {}, [](const auto& one) { return one.first; });
  std::vector<LogFile> files;
  for (auto& [age, file] : found) files.push_back(std::move(file));
  if (files.empty()) return absl::NotFoundError(path + ": not there");
  return files;
}

// The stamp of the first record in `bytes`.
std::optional<AuditStamp> FirstStamp(std::string_view bytes) {
  for (const std::string_view line : Lines(bytes))
    if (const auto read = ReadAuditLine(line)) return read->stamp;
  return std::nullopt;
}

// Whether the line before the position is the one that it was.
bool StandsThere(const Host& host, const LogFile& file,
                 const AuditPosition& position) {
  if (file.info.inode != position.inode ||
      static_cast<uint64_t>(file.info.size) < position.offset)
    return false;
  if (position.offset == 0) return true;
  const uint64_t length = std::min<uint64_t>(position.offset, kLongestLine);
  const auto before = host.ReadBytes(
      file.path, static_cast<int64_t>(position.offset - length), length);
  if (!before.ok() || before->size() != length || !before->ends_with('\n'))
    return false;
  const auto lines = Lines(*before);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    if (const auto last = ReadAuditLine(*line))
      return last->stamp == position.stamp;
  return false;
}

class Reader {
 public:
  Reader(const Host& host, const AuditPosition& from, int64_t now,
         const AuditLogLimits& limits, const TakeAuditLine& take)
      : host_(host),
        limits_(limits),
        take_(take),
        from_(from),
        now_(static_cast<uint64_t>(std::max<int64_t>(now, 0)) * 1000),
        until_(Clock::now() + limits.time) {
    part_.position = from;
  }

  absl::StatusOr<AuditLogPart> Read() {
    ASSIGN_OR_RETURN(const auto files, FilesOf(host_));
    auto file = std::ranges::find_if(files, [&](const LogFile& each) {
      return StandsThere(host_, each, part_.position);
    });
    if (file == files.end()) {
      for (const LogFile& each : files)
        part_.cut =
            part_.cut ||
            (each.info.inode == part_.position.inode &&
             static_cast<uint64_t>(each.info.size) < part_.position.offset);
      ASSIGN_OR_RETURN(file, Search(files));
      part_.position.offset = 0;
    }
    for (; file != files.end() && !stopped_; ++file) {
      if (file->info.inode != part_.position.inode) part_.position.offset = 0;
      part_.position.inode = file->info.inode;
      RETURN_IF_ERROR(ReadFile(*file));
    }
    return part_;
  }

 private:
  using Files = std::vector<LogFile>;

  // The file in which what comes after the position begins; sets after which
  // record that is.
  absl::StatusOr<Files::const_iterator> Search(const Files& files) {
    const bool first_time = part_.position.stamp == AuditStamp();
    const uint64_t first =
        static_cast<uint64_t>(std::max<int64_t>(limits_.first, 0)) * 1000;
    after_ = first_time ? AuditStamp{now_ > first ? now_ - first : 0, 0}
                        : part_.position.stamp;
    auto begin = files.begin();
    std::optional<AuditStamp> oldest;
    for (auto file = files.begin(); file != files.end(); ++file) {
      ASSIGN_OR_RETURN(const std::string head,
                       host_.ReadBytes(file->path, 0, kHead));
      const auto stamp = FirstStamp(head);
      if (!stamp) continue;
      if (!oldest) oldest = stamp;
      if (*stamp <= *after_) begin = file;
    }
    if (!first_time && oldest && *oldest > *after_)
      part_.gone = {*after_, *oldest};
    return begin;
  }

  absl::Status ReadFile(const LogFile& file) {
    std::string left;  // a line that is not whole yet
    uint64_t at = part_.position.offset;
    while (!stopped_) {
      ASSIGN_OR_RETURN(const std::string chunk,
                       host_.ReadBytes(file.path, static_cast<int64_t>(at), kChunk));
      // auditd may give the name to another file at any moment; what was read
      // is left to the next call then.
      const auto now = host_.Stat(file.path);
      if (!now.ok() || now->inode != file.info.inode) {
        stopped_ = part_.more = true;
        // What was sought was not found yet.
        if (after_) part_.position = from_;
        break;
      }
      at += chunk.size();
      left += chunk;
      size_t begin = 0;
      while (!stopped_) {
        const size_t newline = left.find('\n', begin);
        if (newline == left.npos) break;
        TakeLine(std::string_view(left).substr(begin, newline - begin));
        begin = newline + 1;
      }
      if (stopped_) break;
      left.erase(0, begin);
      if (chunk.size() < kChunk) return absl::OkStatus();
      if (left.size() <= kLongestLine) continue;
      // What is longer is no record, and is passed over bit by bit.
      part_.position.offset += left.size();
      left.clear();
      ++part_.noise;
    }
    return absl::OkStatus();
  }

  // Takes the line that begins at the position, or stops before it.
  void TakeLine(std::string_view line) {
    const auto read = ReadAuditLine(line);
    if (!read) {
      if (!line.empty() && !after_) ++part_.noise;
    } else {
      const AuditStamp& stamp = read->stamp;
      // An event is left whole.
      const bool another = stamp != part_.position.stamp;
      if (another && (full_ || Unsettled(stamp))) {
        stopped_ = true;
        part_.more = full_;
        return;
      }
      // Those that were read before are skipped, and those that are too old.
      if (after_ && stamp > *after_) after_.reset();
      if (!after_) wanted_ = take_(*read, line);
      part_.position.stamp = stamp;
    }
    part_.position.offset += line.size() + 1;
    // Without what is sought there is no place to go on from.
    if (after_) return;
    bytes_ += line.size() + 1;
    full_ = full_ || !wanted_ || bytes_ > limits_.bytes ||
            (++count_ % kStride == 0 && Clock::now() > until_);
  }

  // A time that has not come yet is one of a clock that was ahead.
  bool Unsettled(const AuditStamp& stamp) const {
    return stamp.milliseconds + kSettled > now_ &&
           stamp.milliseconds <= now_ + kReading;
  }

  const Host& host_;
  const AuditLogLimits& limits_;
  const TakeAuditLine& take_;
  const AuditPosition from_;
  const uint64_t now_;
  const Clock::time_point until_;
  AuditLogPart part_;
  // The record that was read last, where it is sought by its stamp.
  std::optional<AuditStamp> after_;
  uint64_t bytes_ = 0;
  int count_ = 0;
  bool wanted_ = true, full_ = false, stopped_ = false;
};

}  // namespace

absl::StatusOr<AuditLogPart> ReadAuditLog(const Host& host,
                                          const AuditPosition& from,
                                          int64_t now,
                                          const AuditLogLimits& limits,
                                          const TakeAuditLine& take) {
  return Reader(host, from, now, limits, take).Read();
}

}  // namespace metsuke
