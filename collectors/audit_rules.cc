// Fills the audit_rules table with what AUDIT_LIST_RULES answers, written as
// auditctl(8) takes it.

#include <algorithm>

#include "collectors/audit.h"
#include "collectors/collector.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectAuditRules(const Host& host, v1::Snapshot& snapshot);

namespace {

// Adds the keys of `more` that `keys` does not have.
void AddKeys(const std::string& more, std::string& keys) {
  for (const std::string_view key : Pieces(more, ',')) {
    const auto known = Pieces(keys, ',');
    if (key.empty() ||
        std::find(known.begin(), known.end(), key) != known.end())
      continue;
    keys += (keys.empty() ? "" : ",") + std::string(key);
  }
}

}  // namespace

absl::StatusOr<std::vector<KernelRule>> ReadKernelRules(
    std::string_view messages) {
  std::vector<KernelRule> rules;
  for (const std::string_view payload :
       AuditPayloads(messages, AUDIT_LIST_RULES)) {
    ASSIGN_OR_RETURN(KernelRule rule, ReadAuditRule(payload));
    rules.push_back(std::move(rule));
  }
  return rules;
}

absl::StatusOr<std::vector<v1::AuditRule>> ReadAuditRules(
    std::string_view messages) {
  ASSIGN_OR_RETURN(const std::vector<KernelRule> rules,
                   ReadKernelRules(messages));
  std::vector<v1::AuditRule> rows;
  for (const KernelRule& rule : rules) {
    v1::AuditRule row = AuditRuleRow(rule);
    const auto same = std::find_if(rows.begin(), rows.end(), [&](auto& known) {
      return known.rule() == row.rule();
    });
    if (same == rows.end())
      rows.push_back(std::move(row));
    else
      AddKeys(row.keys(), *same->mutable_keys());
  }
  return rows;
}

absl::Status CollectAuditRules(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::string answer,
                   AskAudit(host, "audit_rules", AUDIT_LIST_RULES));
  ASSIGN_OR_RETURN(std::vector<v1::AuditRule> rules, ReadAuditRules(answer));
  for (v1::AuditRule& rule : rules)
    *snapshot.add_audit_rules() = std::move(rule);
  return absl::OkStatus();
}

}  // namespace metsuke
