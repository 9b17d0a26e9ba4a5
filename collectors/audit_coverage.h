// Which acts that an operator will want to ask about the rules of the kernel's
// audit subsystem record.

#ifndef METSUKE_COLLECTORS_AUDIT_COVERAGE_H_
#define METSUKE_COLLECTORS_AUDIT_COVERAGE_H_

#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/audit_rule.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// One row for each act that is possible on a machine of this kind (uname -m);
// one on a path only where `exists` says that it is there. Unimplemented when
// libaudit does not know the machine.
absl::StatusOr<std::vector<v1::AuditCoverage>> CoverActs(
    const std::vector<KernelRule>& rules, std::string_view machine,
    const std::function<bool(std::string_view path)>& exists);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_COVERAGE_H_
