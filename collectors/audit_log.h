// Reads on in the log of auditd, over its rotations.

#ifndef METSUKE_COLLECTORS_AUDIT_LOG_H_
#define METSUKE_COLLECTORS_AUDIT_LOG_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

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
  uint64_t noise = 0;  // lines that are no records
  bool cut = false;    // the file is shorter than it was
};

// Hands over the lines after `from`, whole and in their order. Lines of the
// last three seconds before `now`, in seconds since 1970-01-01 UTC, are left
// for the next call, as their events may not be whole yet. What is handed over
// is good while `take` runs; `take` says whether it wants more. NotFound when
// the host has no such log.
using TakeAuditLine =
    std::function<bool(const AuditLine& read, std::string_view line)>;
absl::StatusOr<AuditLogPart> ReadAuditLog(const Host& host,
                                          const AuditPosition& from,
                                          int64_t now,
                                          const AuditLogLimits& limits,
                                          const TakeAuditLine& take);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_LOG_H_
