// Reads on in the log of auditd, over its rotations by whatever rotates it.

#ifndef METSUKE_COLLECTORS_AUDIT_LOG_H_
#define METSUKE_COLLECTORS_AUDIT_LOG_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/audit_line.h"
#include "collectors/audit_position.h"
#include "collectors/host.h"

namespace metsuke {

struct AuditLogLimits {
  size_t bytes = 16 << 20;
  // What is not read by then is for the next call.
  std::chrono::milliseconds time{2000};
  // Where to begin without a position: this long before now, in seconds.
  int64_t first = 7 * 86400;
};

struct AuditLogPart {
  AuditPosition position;  // where to go on
  bool more = false;       // whether there is more at once
  // Records between the two were gone before they could be read.
  std::optional<std::pair<AuditStamp, AuditStamp>> gone;
  uint64_t noise = 0;    // lines that are no records
  uint64_t foreign = 0;  // records of other hosts
  bool cut = false;      // the file is shorter than it was
  // Why compressed files were not read to their ends.
  std::vector<std::string> unread;
};

// What is done with the log. What these are called with is good while they run.
struct AuditLogUse {
  // Whether a record with this node, "" for none, is of this host. Others are
  // counted and passed over.
  std::function<bool(std::string_view node)> is_own;
  // Called with some of the lines before the position, before all others, when
  // there are others.
  std::function<void(const AuditLine& read, std::string_view line)> remember;
  // Called with the lines of an event; says whether it wants more.
  std::function<bool(std::string_view lines)> take;
};

// Hands over the events after `from`, each whole and once. What may not be whole
// at `now`, in seconds since 1970-01-01 UTC, is left for the next call with what
// follows it. NotFound when the host has no such log.
absl::StatusOr<AuditLogPart> ReadAuditLog(const Host& host,
                                          const AuditPosition& from,
                                          int64_t now,
                                          const AuditLogLimits& limits,
                                          const AuditLogUse& use);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_LOG_H_
