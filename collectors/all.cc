#include <array>

#include "collectors/collector.h"

namespace metsuke {

absl::Status CollectAccounts(const Host&, v1::Snapshot&);
absl::Status CollectAuditCoverage(const Host&, v1::Snapshot&);
absl::Status CollectAuditRules(const Host&, v1::Snapshot&);
absl::Status CollectAuditStatus(const Host&, v1::Snapshot&);
absl::Status CollectAuthorizedKeys(const Host&, v1::Snapshot&);
absl::Status CollectGroups(const Host&, v1::Snapshot&);
absl::Status CollectHost(const Host&, v1::Snapshot&);
absl::Status CollectInterfaces(const Host&, v1::Snapshot&);
absl::Status CollectJournalConfig(const Host&, v1::Snapshot&);
absl::Status CollectLogFiles(const Host&, v1::Snapshot&);
absl::Status CollectLogGaps(const Host&, v1::Snapshot&);
absl::Status CollectLogHeartbeats(const Host&, v1::Snapshot&);
absl::Status CollectLogSources(const Host&, v1::Snapshot&);
absl::Status CollectLogrotateRules(const Host&, v1::Snapshot&);
absl::Status CollectPackageUpdates(const Host&, v1::Snapshot&);
absl::Status CollectPackages(const Host&, v1::Snapshot&);
absl::Status CollectPasswordRules(const Host&, v1::Snapshot&);
absl::Status CollectPorts(const Host&, v1::Snapshot&);
absl::Status CollectServices(const Host&, v1::Snapshot&);
absl::Status CollectSshAccess(const Host&, v1::Snapshot&);
absl::Status CollectSshModuli(const Host&, v1::Snapshot&);
absl::Status CollectSshdOptions(const Host&, v1::Snapshot&);
absl::Status CollectSudoRules(const Host&, v1::Snapshot&);
absl::Status CollectSysctls(const Host&, v1::Snapshot&);
absl::Status CollectSyslogConfig(const Host&, v1::Snapshot&);
absl::Status CollectTimers(const Host&, v1::Snapshot&);
absl::Status CollectWebAccessLogs(const Host&, v1::Snapshot&);

namespace {

// In the order of the tables' field numbers.
constexpr std::array<Collector, 27> kCollectors = {{
    {"host", CollectHost},
    {"interfaces", CollectInterfaces},
    {"packages", CollectPackages},
    {"package_updates", CollectPackageUpdates},
    {"services", CollectServices},
    {"timers", CollectTimers},
    {"ports", CollectPorts},
    {"sshd_options", CollectSshdOptions},
    {"authorized_keys", CollectAuthorizedKeys},
    {"accounts", CollectAccounts},
    {"groups", CollectGroups},
    {"sudo_rules", CollectSudoRules},
    {"sysctls", CollectSysctls},
    {"journal_config", CollectJournalConfig},
    {"syslog_config", CollectSyslogConfig},
    {"logrotate_rules", CollectLogrotateRules},
    {"log_files", CollectLogFiles},
    {"audit_status", CollectAuditStatus},
    {"audit_rules", CollectAuditRules},
    {"ssh_access", CollectSshAccess},
    {"ssh_moduli", CollectSshModuli},
    {"password_rules", CollectPasswordRules},
    {"log_sources", CollectLogSources},
    {"web_access_logs", CollectWebAccessLogs},
    {"log_gaps", CollectLogGaps},
    {"audit_coverage", CollectAuditCoverage},
    {"log_heartbeats", CollectLogHeartbeats},
}};

}  // namespace

std::span<const Collector> AllCollectors() { return kCollectors; }

}  // namespace metsuke
