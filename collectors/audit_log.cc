#include "collectors/audit_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "collectors/audit_assembly.h"
#include "collectors/audit_files.h"
#include "collectors/unpack.h"
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
// After this long without a line what there is is whole.
constexpr int64_t kQuiet = 3000;  // milliseconds
// A file that was changed by then, at a time that has not come yet, was so by a
// clock that was ahead.
constexpr int64_t kAhead = 60'000;  // milliseconds
constexpr int kStride = 256;           // lines between two looks at the clock

// The stamp of the first record in `bytes`.
std::optional<AuditStamp> FirstStamp(std::string_view bytes) {
  for (const std::string_view line : Lines(bytes))
    if (const auto read = ReadAuditLine(line)) return read->stamp;
  return std::nullopt;
}

// Whether the line before the position, in this file, is the one that it was.
bool StandsThere(AuditFileReader& reader, const AuditFile& file,
                 const AuditPosition& position) {
  if (position.offset == 0) return file.info.inode == position.inode;
  if (reader.SizeOf(file) < position.offset) return false;
  const uint64_t length = std::min<uint64_t>(position.offset, kLongestLine);
  const auto before = reader.Read(file, position.offset - length, length);
  if (!before.ok() || before->size() != length || !before->ends_with('\n'))
    return false;
  const auto lines = Lines(*before);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    if (const auto last = ReadAuditLine(*line))
      return last->stamp == position.stamp;
  return false;
}

// Where the first line with this stamp begins in a file.
absl::StatusOr<std::optional<uint64_t>> FindStamp(AuditFileReader& reader,
                                                  const AuditFile& file,
                                                  const AuditStamp& stamp) {
  const std::string written =
      fmt::format(" msg=audit({}.{:03}:{}):", stamp.milliseconds / 1000,
                  stamp.milliseconds % 1000, stamp.serial);
  std::string bytes;
  uint64_t at = 0;  // where `bytes` begins
  while (true) {
    const uint64_t next = at + bytes.size();
    ASSIGN_OR_RETURN(const std::string chunk,
                     reader.Read(file, next, kChunk));
    bytes += chunk;
    for (size_t found = bytes.find(written); found != bytes.npos;
         found = bytes.find(written, found + 1)) {
      const size_t newline = bytes.rfind('\n', found);
      const size_t begin = newline == bytes.npos ? 0 : newline + 1;
      const auto read = ReadAuditLine(
          std::string_view(bytes).substr(begin, found + written.size() - begin));
      if (read && read->stamp == stamp) return at + begin;
    }
    if (chunk.size() < kChunk) return std::nullopt;
    // A line may reach over the end of what was read.
    const size_t past = bytes.size() - std::min(bytes.size(), kLongestLine);
    bytes.erase(0, past);
    at += past;
  }
}

class Reader {
 public:
  Reader(const Host& host, const AuditPosition& from, int64_t now,
         const AuditLogLimits& limits, const AuditLogUse& use)
      : host_(host),
        reader_(host),
        limits_(limits),
        use_(use),
        from_(from),
        now_(std::max<int64_t>(now, 0) * 1000),
        until_(Clock::now() + limits.time),
        here_{.position = from},
        assembly_(static_cast<uint64_t>(now_), [this](std::string_view lines) {
          full_ = !use_.take(lines) || full_;
        }) {}

  absl::StatusOr<AuditLogPart> Read() {
    ASSIGN_OR_RETURN(const auto files, FindAuditFiles(host_));
    auto file = Stands(files);
    if (file == files.end()) {
      for (const AuditFile& each : files)
        part_.cut =
            part_.cut ||
            (each.info.inode == from_.inode &&
             static_cast<uint64_t>(each.info.size) < from_.offset);
      ASSIGN_OR_RETURN(file, Search(files));
    }
    if (!after_)
      before_ = [&, file, offset = here_.position.offset] {
        return BytesBefore(files, file, offset);
      };
    for (; file != files.end() && !stopped_; ++file) {
      if (file->info.inode != here_.position.inode) here_.position.offset = 0;
      here_.position.inode = file->info.inode;
      RETURN_IF_ERROR(ReadFile(*file, std::next(file) == files.end()));
    }
    const AuditPlace& end = End();
    part_.position = end.position;
    part_.noise = end.noise;
    part_.foreign = end.foreign;
    return part_;
  }

 private:
  using Files = std::vector<AuditFile>;

  // Up to where all is told.
  const AuditPlace& End() const {
    return assembly_.held() == nullptr ? here_ : *assembly_.held();
  }

  // Whether a file may have the record with this stamp, or later ones: it was
  // changed since.
  static bool MayHave(const AuditFile& file, const AuditStamp& stamp) {
    return (file.info.modified + 1) * 1000 + kAhead >
           static_cast<int64_t>(stamp.milliseconds);
  }

  // The file in which the position is; sets which of its inodes that is. A copy
  // is as good as the file itself.
  Files::const_iterator Stands(const Files& files) {
    for (const bool copies : {false, true})
      for (auto file = files.begin(); file != files.end(); ++file) {
        const bool copy = file->info.inode != from_.inode;
        if (copy != copies || (copy && !MayHave(*file, from_.stamp)) ||
            !StandsThere(reader_, *file, from_))
          continue;
        here_.position.inode = file->info.inode;
        return file;
      }
    return files.end();
  }

  // The file in which what comes after the position begins, when it is not
  // where it was; sets after which record that is.
  absl::StatusOr<Files::const_iterator> Search(const Files& files) {
    here_.position.offset = 0;
    const bool first_time = from_.stamp == AuditStamp();
    if (!first_time) {
      for (auto file = files.begin(); file != files.end(); ++file) {
        if (!MayHave(*file, from_.stamp)) continue;
        ASSIGN_OR_RETURN(const auto found,
                         FindStamp(reader_, *file, from_.stamp));
        if (!found) continue;
        here_.position.inode = file->info.inode;
        here_.position.offset = *found;
        passing_ = from_.stamp;
        return file;
      }
    }
    const uint64_t first =
        static_cast<uint64_t>(std::max<int64_t>(limits_.first, 0)) * 1000;
    const auto now = static_cast<uint64_t>(now_);
    after_ = first_time ? AuditStamp{now > first ? now - first : 0, 0}
                        : from_.stamp;
    auto begin = files.begin();
    std::optional<AuditStamp> oldest;
    for (auto file = files.begin(); file != files.end(); ++file) {
      const bool packed =
          IsPacked(file->path) && CheckPacking(file->path).ok();
      const auto head = packed ? UnpackHead(host_, file->path, kHead)
                               : host_.ReadBytes(file->path, 0, kHead);
      // One that cannot be unpacked must not keep the others from being read.
      if (absl::IsResourceExhausted(head.status())) continue;
      if (!head.ok()) return head.status();
      const auto stamp = FirstStamp(*head);
      if (!stamp) continue;
      if (!oldest) oldest = stamp;
      if (*stamp <= *after_) begin = file;
    }
    if (!first_time && oldest && *oldest > *after_)
      part_.gone = {*after_, *oldest};
    return begin;
  }

  // What stands shortly before a place, over a rotation.
  std::string BytesBefore(const Files& files, Files::const_iterator file,
                          uint64_t offset) {
    const auto end_of = [&](const AuditFile& read, uint64_t end) {
      const uint64_t length = std::min<uint64_t>(end, kLongestLine);
      return reader_.Read(read, end - length, length).value_or("");
    };
    std::string bytes = end_of(*file, offset);
    if (offset >= kLongestLine || file == files.begin()) return bytes;
    const AuditFile& last = *std::prev(file);
    return end_of(last, reader_.SizeOf(last)) + bytes;
  }

  absl::Status ReadFile(const AuditFile& file, bool last) {
    std::string left;  // a line that is not whole yet
    uint64_t at = here_.position.offset;
    while (!stopped_) {
      ASSIGN_OR_RETURN(const std::string chunk,
                       reader_.Read(file, at, kChunk));
      // Before the lines are taken, for which others may be read.
      std::string missing = reader_.Missing(file);
      // auditd may give the name to another file at any moment; what was read
      // is left to the next call then.
      const auto now = host_.Stat(file.path);
      if (!now.ok() || now->inode != file.info.inode) {
        stopped_ = part_.more = true;
        // What was sought was not found yet, and is sought again.
        if (after_ || passing_) {
          here_ = {.position = from_};
          part_.gone.reset();
          part_.cut = false;
        }
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
      if (chunk.size() < kChunk) {
        if (!missing.empty() && (!after_ || MayHave(file, *after_)))
          part_.unread.push_back(std::move(missing));
        if (last && IsQuiet(*now)) assembly_.EndAll();
        return absl::OkStatus();
      }
      if (left.size() <= kLongestLine) continue;
      // What is longer is no record, and is passed over bit by bit.
      here_.position.offset += left.size();
      left.clear();
      ++here_.noise;
    }
    return absl::OkStatus();
  }

  bool IsQuiet(const FileInfo& info) const {
    const int64_t modified =
        info.modified * 1000 + info.modified_nanos / 1'000'000;
    return modified + kQuiet <= now_ || modified > now_ + kAhead;
  }

  // Takes the line that begins at the place, or stops before it.
  void TakeLine(std::string_view line) {
    // What has not moved on would be read anew for ever; what the assembly holds
    // back is bounded.
    if (full_ && End().position != begin_) {
      stopped_ = part_.more = true;
      return;
    }
    const auto read = ReadAuditLine(line);
    if (bytes_ == 0) begin_ = here_.position;
    if (!read) {
      if (!line.empty() && !after_) ++here_.noise;
      assembly_.Pass(line);
    } else {
      TakeRecord(*read, line);
      here_.position.stamp = read->stamp;
    }
    here_.position.offset += line.size() + 1;
    // Without what is sought there is no place to go on from.
    if (after_ || passing_) return;
    bytes_ += line.size() + 1;
    full_ = full_ || bytes_ > limits_.bytes ||
            (++count_ % kStride == 0 && Clock::now() > until_);
  }

  void TakeRecord(const AuditLine& read, std::string_view line) {
    // Those that were read before are skipped, and those that are too old.
    if (after_ && read.stamp > *after_) after_.reset();
    if (passing_ && read.stamp != *passing_) passing_.reset();
    if (after_ || passing_) return;
    if (!use_.is_own(read.node)) {
      ++here_.foreign;
      assembly_.Pass(line);
      return;
    }
    Remember();
    assembly_.Add(read, line, here_);
  }

  // Only once there is something new.
  void Remember() {
    if (!before_) return;
    const std::string before = std::exchange(before_, nullptr)();
    for (const std::string_view line : Lines(before)) {
      const auto read = ReadAuditLine(line);
      if (!read || !use_.is_own(read->node)) continue;
      assembly_.Saw(read->stamp);
      use_.remember(*read, line);
    }
  }

  const Host& host_;
  AuditFileReader reader_;
  const AuditLogLimits& limits_;
  const AuditLogUse& use_;
  const AuditPosition from_;
  const int64_t now_;  // milliseconds
  const Clock::time_point until_;
  AuditLogPart part_;
  AuditPlace here_;      // before the next line
  AuditPosition begin_;  // of the first line that was not read before
  AuditAssembly assembly_;
  std::function<std::string()> before_;  // what stands before the position
  // What is later is sought, or what stands behind this record.
  std::optional<AuditStamp> after_, passing_;
  uint64_t bytes_ = 0;
  int count_ = 0;
  bool full_ = false, stopped_ = false;
};

}  // namespace

absl::StatusOr<AuditLogPart> ReadAuditLog(const Host& host,
                                          const AuditPosition& from,
                                          int64_t now,
                                          const AuditLogLimits& limits,
                                          const AuditLogUse& use) {
  return Reader(host, from, now, limits, use).Read();
}

}  // namespace metsuke
