#include <array>

#include "collectors/collector.h"

namespace metsuke {

// (one declaration per collector, alphabetical)
absl::Status CollectAuditRules(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectAuditStatus(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectLogrotateRules(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectServices(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectTimers(const Host& host, v1::Snapshot& snapshot);

namespace {

// In the order of the tables' field numbers.
constexpr auto kCollectors = std::to_array<Collector>({
    {"services", CollectServices},
    {"timers", CollectTimers},
    {"journal_config", CollectJournalConfig},
    {"syslog_config", CollectSyslogConfig},
    {"logrotate_rules", CollectLogrotateRules},
    {"log_files", CollectLogFiles},
    {"audit_status", CollectAuditStatus},
    {"audit_rules", CollectAuditRules},
});

}  // namespace

std::span<const Collector> AllCollectors() { return kCollectors; }

}  // namespace metsuke
