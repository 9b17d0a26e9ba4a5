// Reads on in the log of auditd for what happened.

#ifndef METSUKE_COLLECTORS_AUDIT_EVENTS_H_
#define METSUKE_COLLECTORS_AUDIT_EVENTS_H_

#include <cstdint>

#include "collectors/audit_log.h"
#include "collectors/audit_position.h"
#include "collectors/host.h"
#include "collectors/journal_events.h"
#include "proto/collect.pb.h"

namespace metsuke {

// What happened after the record at `from`; `position` of what it returns is
// the thirty-two bytes of an AuditPosition. Nothing at all of a host without
// such a log. When records were gone before they could be read, an event says
// which. `now` is in seconds since 1970-01-01 UTC.
absl::StatusOr<v1::Heard> HearAudit(const Host& host, const AuditPosition& from,
                                    int64_t now, const HearLimits& limits = {});

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_EVENTS_H_
