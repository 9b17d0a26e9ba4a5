// A place in the log of auditd, as numbers alone: see journal_position.h.

#ifndef METSUKE_COLLECTORS_AUDIT_POSITION_H_
#define METSUKE_COLLECTORS_AUDIT_POSITION_H_

#include <cstdint>

namespace metsuke {

// What the kernel gives each event: its time and a number that rises from boot
// to boot anew.
struct AuditStamp {
  uint64_t milliseconds = 0;  // since 1970-01-01 UTC
  uint64_t serial = 0;

  auto operator<=>(const AuditStamp&) const = default;
};

struct AuditPosition {
  uint64_t inode = 0;   // of the file
  uint64_t offset = 0;  // of the first byte that was not read
  AuditStamp stamp;     // of the line before it

  bool operator==(const AuditPosition&) const = default;
  // Whether it is that of no record: where nothing was read yet.
  bool none() const { return *this == AuditPosition(); }
};
static_assert(sizeof(AuditPosition) == 32);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_POSITION_H_
