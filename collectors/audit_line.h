// A line of the log of auditd, as far as it must be known to find a place
// there.

#ifndef METSUKE_COLLECTORS_AUDIT_LINE_H_
#define METSUKE_COLLECTORS_AUDIT_LINE_H_

#include <optional>
#include <string_view>

#include "collectors/audit_position.h"

namespace metsuke {

// "node=web01 type=USER_CMD msg=audit(1795393196.921:16): …"; views of the
// line.
struct AuditLine {
  std::string_view node;  // empty when auditd does not write it
  std::string_view type;
  AuditStamp stamp;
  std::string_view rest;  // after the colon
};

// Nothing when the line is no record.
std::optional<AuditLine> ReadAuditLine(std::string_view line);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_LINE_H_
