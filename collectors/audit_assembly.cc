#include "collectors/audit_assembly.h"

#include <algorithm>
#include <utility>

namespace metsuke {
namespace {

// By the rule of libauparse an event is ended when another has come that is two
// seconds younger (eoe_timeout of auditd.conf(5)).
constexpr uint64_t kYounger = 2000;  // milliseconds
// And that one must be as old itself: what began at one instant on several
// processors is written within it.
constexpr uint64_t kOld = 3000;  // milliseconds
// Lines of one call may come between those of another, of any stamps, as several
// processors write at once: none is ended by what stands this close behind.
constexpr uint64_t kMixed = 32;  // lines
// Nothing is held back longer than this. What waits in the kernel to be written
// (`auditctl -b`, 8192 records as Debian has it) is hardly as much.
constexpr uint64_t kMostBehind = 1 << 20;  // bytes
// Of the arguments of a program, which are not told, there may be very many.
constexpr size_t kMostText = 256 << 10;

// Records of programs, and of auditd itself, are events by themselves.
bool IsWhole(std::string_view type) {
  return type.starts_with("USER_") || type.starts_with("DAEMON_");
}

// Whether an event that begins with such a line may be told.
bool Begins(const AuditLine& read) {
  // The library takes a hundred times as long for a line as this does, and most
  // lines are of no event.
  if (read.type == "SYSCALL")
    return read.rest.find(" key=(null)") == read.rest.npos;
  for (const std::string_view type :
       {"USER_START", "USER_END", "USER_AUTH", "USER_CMD", "CONFIG_CHANGE",
        "DAEMON_START", "DAEMON_END", "DAEMON_ABORT", "DAEMON_CONFIG"})
    if (read.type == type) return true;
  return false;
}

bool GoesOn(std::string_view type) {
  return type == "EXECVE" || type == "CWD" || type == "PATH";
}

bool Ends(std::string_view type) {
  return type == "PROCTITLE" || type == "EOE";
}

}  // namespace

AuditAssembly::AuditAssembly(uint64_t now, TakeEvent take)
    : now_(now), take_(std::move(take)) {}

void AuditAssembly::Saw(const AuditStamp& stamp) {
  const uint64_t time = stamp.milliseconds;
  // A time that has not come yet is one of a clock that was ahead.
  if (time <= now_) seen_ = std::max(seen_, time);
  if (time + kOld <= now_) old_ = std::max(old_, time);
}

void AuditAssembly::Add(const AuditLine& read, std::string_view line,
                        const AuditPlace& place) {
  const uint64_t begin = bytes_;
  bytes_ += line.size() + 1;
  ++lines_;
  Saw(read.stamp);
  auto known = places_.find(read.stamp);
  const bool begins = Begins(read);
  if (known == places_.end() && begins) {
    known = places_.emplace(read.stamp, told_ + events_.size()).first;
    events_.push_back({.stamp = read.stamp, .place = place, .begin = begin});
  }
  if (known != places_.end()) {
    Event& event = events_[known->second - told_];
    if ((begins || GoesOn(read.type)) &&
        event.lines.size() + line.size() < kMostText)
      event.lines.append(line).append("\n");
    event.end = bytes_;
    event.last = lines_;
    event.seen = seen_;
    event.ended = event.ended || IsWhole(read.type) || Ends(read.type);
  }
  TellSettled();
}

void AuditAssembly::Pass(std::string_view line) {
  bytes_ += line.size() + 1;
  ++lines_;
  TellSettled();
}

void AuditAssembly::EndAll() {
  all_ended_ = true;
  TellSettled();
}

const AuditPlace* AuditAssembly::held() const {
  return events_.empty() ? nullptr : &events_.front().place;
}

bool AuditAssembly::IsSettled(const Event& event) const {
  return event.ended || all_ended_ || bytes_ - event.end > kMostBehind ||
         (lines_ - event.last >= kMixed && old_ >= event.seen + kYounger);
}

// Tells the first events as far as they are settled, and have no line between
// those of one that is not.
void AuditAssembly::TellSettled() {
  size_t settled = 0;
  uint64_t last = 0;
  for (size_t i = 0; i < events_.size() && IsSettled(events_[i]); ++i) {
    last = std::max(last, events_[i].end);
    if (i + 1 == events_.size() || events_[i + 1].begin >= last)
      settled = i + 1;
  }
  for (; settled > 0; --settled, ++told_) {
    const Event event = std::move(events_.front());
    events_.pop_front();
    places_.erase(event.stamp);
    take_(event.lines);
  }
}

}  // namespace metsuke
