#include <array>

#include "collectors/collector.h"

namespace metsuke {

// (one declaration per collector, alphabetical)
absl::Status CollectAccounts(const Host&, v1::Snapshot&);
absl::Status CollectAuthorizedKeys(const Host&, v1::Snapshot&);
absl::Status CollectGroups(const Host&, v1::Snapshot&);
absl::Status CollectSshdOptions(const Host&, v1::Snapshot&);
absl::Status CollectSudoRules(const Host&, v1::Snapshot&);
absl::Status CollectSysctls(const Host&, v1::Snapshot&);

namespace {

// In the order of the tables' field numbers.
constexpr std::array<Collector, 6> kCollectors = {{
    {"sshd_options", CollectSshdOptions},
    {"authorized_keys", CollectAuthorizedKeys},
    {"accounts", CollectAccounts},
    {"groups", CollectGroups},
    {"sudo_rules", CollectSudoRules},
    {"sysctls", CollectSysctls},
}};

}  // namespace

std::span<const Collector> AllCollectors() { return kCollectors; }

}  // namespace metsuke
