// What the kernel's audit had no room for, by its counters from one look to the
// next. Nothing here reads anything.

#ifndef METSUKE_COLLECTORS_AUDIT_WATCH_H_
#define METSUKE_COLLECTORS_AUDIT_WATCH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/log_pauses.h"

namespace metsuke {

// At one look.
struct AuditCounters {
  int64_t time = 0;            // seconds since 1970-01-01 UTC
  bool enabled = false;        // whether records are made
  uint32_t lost = 0;           // records, since the host's boot
  uint32_t backlog = 0;        // records that wait for auditd, where it runs
  uint32_t backlog_limit = 0;  // 0 is none
};

// Remembers what was seen for a day.
class AuditWatch {
 public:
  AuditWatch() = default;
  // One that ToText wrote; an empty one from any other text.
  explicit AuditWatch(std::string_view text);
  std::string ToText() const;

  // The next look. Records are lost when the kernel's count has risen while they
  // are made, whether or not auditd is there to take them. auditd
  // is behind when nine tenths of the limit wait, for the next records may be
  // lost; or when at two looks running more than a tenth did, and more at the
  // second: a burst is over by then.
  void Look(const AuditCounters& now);

  // What was seen, the oldest first.
  std::vector<LogPause> Told() const;

 private:
  enum class Kind { kLost, kBehind };
  // From the last look at which all was well to the last one at which it was
  // not.
  struct Period {
    Kind kind;
    int64_t since, until;
    int64_t amount;  // records, or the most percent of the limit
  };
  void Add(Kind kind, const AuditCounters& now, int64_t amount);

  AuditCounters last_;
  std::vector<Period> periods_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_WATCH_H_
