// Puts the lines of each event of audit together.
//
// An event has one line or several: the system call, its arguments, folder and
// paths, and PROCTITLE as the last unless a rule excludes it. Lines of other
// events come between them, auditd may write them long after their stamp, and a
// look at the log may come between any two. A call is stamped with the time at
// which it began, so stamps do not rise from line to line.

#ifndef METSUKE_COLLECTORS_AUDIT_ASSEMBLY_H_
#define METSUKE_COLLECTORS_AUDIT_ASSEMBLY_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "collectors/audit_line.h"
#include "collectors/audit_position.h"

namespace metsuke {

// A place before a line, and what was counted up to there.
struct AuditPlace {
  AuditPosition position;
  uint64_t noise = 0;    // lines that are no records
  uint64_t foreign = 0;  // records of other hosts
};

class AuditAssembly {
 public:
  // Called with the lines of an event, each with its newline, in the order in
  // which events begin. What is called with is good while it runs.
  using TakeEvent = std::function<void(std::string_view lines)>;

  // `now` is in milliseconds since 1970-01-01 UTC.
  AuditAssembly(uint64_t now, TakeEvent take);

  // A line that stands before the first that is added, of no matter which
  // event.
  void Saw(const AuditStamp& stamp);

  // The next line of the log, which begins at `place`. Lines that no event can
  // be told of are passed over, but show that those before them are ended.
  void Add(const AuditLine& read, std::string_view line,
           const AuditPlace& place);

  // The next line of the log, where it is no record of this host.
  void Pass(std::string_view line);

  // Nothing has been written for long: all events are whole.
  void EndAll();

  // Where the first event begins that was not told yet, as it may not be whole;
  // no event lies on both sides of it. nullptr when all were told.
  const AuditPlace* held() const;

 private:
  struct Event {
    AuditStamp stamp;
    AuditPlace place;
    // Where its first line begins and its last one ends, in bytes from the first
    // line that was added.
    uint64_t begin = 0, end = 0;
    uint64_t last = 0;  // the number of its last line
    std::string lines = {};
    uint64_t seen = 0;  // the latest stamp up to its end, in milliseconds
    bool ended = false;
  };

  bool IsSettled(const Event& event) const;
  void TellSettled();

  const uint64_t now_;
  const TakeEvent take_;
  std::deque<Event> events_;               // not told, as they began
  std::map<AuditStamp, uint64_t> places_;  // of those, as counted by told_
  uint64_t told_ = 0;
  uint64_t bytes_ = 0, lines_ = 0;  // of all that came so far
  // The latest stamp that has come, and the latest that is old enough.
  uint64_t seen_ = 0, old_ = 0;
  bool all_ended_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_ASSEMBLY_H_
