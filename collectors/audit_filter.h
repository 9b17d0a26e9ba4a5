// What the kernel records of one system call, by the rules of its audit
// subsystem.

#ifndef METSUKE_COLLECTORS_AUDIT_FILTER_H_
#define METSUKE_COLLECTORS_AUDIT_FILTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/audit_rule.h"

namespace metsuke {

// A system call that a person who has logged in makes, and that succeeds.
struct AuditedCall {
  int syscall;        // its number
  uint32_t arch;      // AUDIT_ARCH_…
  bool root;          // whether as root, by su or sudo, or as that person
  uint32_t ways = 0;  // how it touches a file: AUDIT_PERM_…
  std::string path;   // which one; of a file that may have any name in a
                      // folder, "FOLDER/*"; empty when that is not known
  std::optional<uint32_t> argument;  // the first one, where it is known
  std::vector<uint32_t> records;     // types of records that tell of it
};

struct AuditOutcome {
  bool surely = false;   // recorded, whatever is not known of the call
  bool perhaps = false;  // recorded, if what is not known is favourable
  std::vector<const KernelRule*> rules;  // those that may record it, in order
};

// What becomes of `call` under `rules`, which must outlive the answer and stand
// in the kernel's order.
AuditOutcome FilterCall(const std::vector<KernelRule>& rules,
                        const AuditedCall& call);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_FILTER_H_
