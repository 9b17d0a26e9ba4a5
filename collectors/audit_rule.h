// One rule of the kernel's audit subsystem, as AUDIT_LIST_RULES answers it.

#ifndef METSUKE_COLLECTORS_AUDIT_RULE_H_
#define METSUKE_COLLECTORS_AUDIT_RULE_H_

#include <libaudit.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// One condition of a rule. The numbers are those of linux/audit.h.
struct AuditField {
  uint32_t field;
  uint32_t op;
  uint32_t value;
  std::string text;  // of a field that is text, such as a path
};

struct KernelRule {
  uint32_t list;
  uint32_t action;
  std::array<uint32_t, AUDIT_BITMASK_SIZE> syscalls;  // a bit each, by number
  std::vector<AuditField> fields;                     // all must hold
};

// The rule in the payload of one message.
absl::StatusOr<KernelRule> ReadAuditRule(std::string_view payload);

// Whether the rule is about the system call of this number.
bool IsAbout(const KernelRule& rule, int syscall);

// The two fields that a -C comparison (AUDIT_COMPARE_…) holds against each
// other; zeros when it is not known.
std::pair<uint32_t, uint32_t> ComparedFields(uint32_t comparison);

// The rule for people.
v1::AuditRule AuditRuleRow(const KernelRule& rule);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_RULE_H_
