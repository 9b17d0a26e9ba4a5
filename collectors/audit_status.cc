// Fills the audit_status table with what AUDIT_GET answers, and holds what
// audit_rules needs too: how to ask.

#include <libaudit.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>

#include "collectors/audit.h"
#include "collectors/collector.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectAuditStatus(const Host& host, v1::Snapshot& snapshot);

namespace {

std::string Request(uint16_t request) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_HDRLEN;
  header.nlmsg_type = request;
  // The list of rules ends with NLMSG_DONE, as a dump does, though the audit
  // subsystem asks for no flag; its status is one message.
  header.nlmsg_flags =
      NLM_F_REQUEST | (request == AUDIT_LIST_RULES ? NLM_F_DUMP : 0);
  header.nlmsg_seq = 1;
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

}  // namespace

absl::StatusOr<std::string> AskAudit(const Host& host, std::string_view name,
                                     uint16_t request) {
  auto answer = host.Netlink(name, NETLINK_AUDIT, Request(request));
  if (absl::IsUnimplemented(answer.status()))
    return Absent("the kernel runs without its audit subsystem");
  if (absl::IsPermissionDenied(answer.status()))
    return absl::PermissionDeniedError(
        "the kernel tells of audit only with CAP_AUDIT_CONTROL and never in a "
        "container (" + Message(answer.status()) + ")");
  return answer;
}

std::vector<std::string_view> AuditPayloads(std::string_view messages,
                                            uint16_t type) {
  std::vector<std::string_view> payloads;
  nlmsghdr header;
  while (messages.size() >= NLMSG_HDRLEN) {
    memcpy(&header, messages.data(), sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > messages.size())
      break;
    if (header.nlmsg_type == type)
      payloads.push_back(messages.substr(
          NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN));
    messages.remove_prefix(
        std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size()));
  }
  return payloads;
}

namespace {

absl::StatusOr<audit_status> ReadStatus(std::string_view messages) {
  // Older kernels end the structure earlier, newer ones later; all have the
  // fields up to `lost`.
  constexpr size_t kNeeded = offsetof(audit_status, backlog);
  const auto payloads = AuditPayloads(messages, AUDIT_GET);
  if (payloads.empty() || payloads[0].size() < kNeeded)
    return absl::UnavailableError("audit: the kernel's answer has no status");
  audit_status status{};
  memcpy(&status, payloads[0].data(),
         std::min(payloads[0].size(), sizeof status));
  return status;
}

}  // namespace

absl::StatusOr<AuditCounters> ReadAuditCounters(std::string_view messages) {
  ASSIGN_OR_RETURN(const audit_status status, ReadStatus(messages));
  return AuditCounters{.enabled = status.enabled != 0,
                       .lost = status.lost,
                       .backlog = status.pid != 0 ? status.backlog : 0,
                       .backlog_limit = status.backlog_limit};
}

absl::StatusOr<AuditCounters> AskAuditCounters(const Host& host) {
  ASSIGN_OR_RETURN(const std::string answer,
                   host.NetlinkIfOther("audit_status", NETLINK_AUDIT,
                                       Request(AUDIT_GET)));
  return ReadAuditCounters(answer);
}

absl::StatusOr<v1::AuditStatus> ReadAuditStatus(std::string_view messages) {
  ASSIGN_OR_RETURN(const audit_status status, ReadStatus(messages));
  v1::AuditStatus row;
  row.set_enabled(status.enabled != 0);
  row.set_locked(status.enabled == 2);
  row.set_daemon(status.pid != 0);
  row.set_failure(status.failure == AUDIT_FAIL_SILENT   ? "silent"
                  : status.failure == AUDIT_FAIL_PRINTK ? "printk"
                                                        : "panic");
  row.set_rate_limit(status.rate_limit);
  row.set_backlog_limit(status.backlog_limit);
  row.set_lost(static_cast<uint32_t>(TwoDigits(status.lost)));
  row.set_pid(status.pid);
  const uint32_t tenth = std::max(1u, status.backlog_limit / 10);
  row.set_backlog(status.backlog / tenth * tenth);
  return row;
}

absl::Status CollectAuditStatus(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::string answer,
                   AskAudit(host, "audit_status", AUDIT_GET));
  ASSIGN_OR_RETURN(*snapshot.add_audit_status(), ReadAuditStatus(answer));
  return absl::OkStatus();
}

}  // namespace metsuke
