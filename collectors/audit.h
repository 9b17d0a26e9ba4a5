// What the kernel's audit subsystem answers over netlink, without a host.

#ifndef METSUKE_COLLECTORS_AUDIT_H_
#define METSUKE_COLLECTORS_AUDIT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/audit_rule.h"
#include "collectors/audit_watch.h"
#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// The answers to a request of type `request` (linux/audit.h) without payload;
// Host::Netlink answers by `name`. Absent when the kernel has no audit;
// PermissionDenied when it will not speak to us.
absl::StatusOr<std::string> AskAudit(const Host& host, std::string_view name,
                                     uint16_t request);

// The payloads of the messages of type `type` among `messages`, which they
// point into.
std::vector<std::string_view> AuditPayloads(std::string_view messages,
                                            uint16_t type);

// The state in an answer to AUDIT_GET.
absl::StatusOr<v1::AuditStatus> ReadAuditStatus(std::string_view messages);

// The counters in it, without a time. A kernel that does not tell the backlog has
// none, and where no daemon takes the records none waits: the kernel hands each
// to its own log at once.
absl::StatusOr<AuditCounters> ReadAuditCounters(std::string_view messages);

// The counters now. A collector that asks for them runs again when the kernel's
// answer is another one.
absl::StatusOr<AuditCounters> AskAuditCounters(const Host& host);

// The rules in an answer to AUDIT_LIST_RULES, in the order in which the kernel
// tries those of one list.
absl::StatusOr<std::vector<KernelRule>> ReadKernelRules(
    std::string_view messages);

// The same as rows; two that differ only in their keys are one.
absl::StatusOr<std::vector<v1::AuditRule>> ReadAuditRules(
    std::string_view messages);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_H_
