#include <array>

#include "collectors/collector.h"

namespace metsuke {

// (one declaration per collector, alphabetical)
absl::Status CollectHost(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectInterfaces(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectPackageUpdates(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectPackages(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectPorts(const Host& host, v1::Snapshot& snapshot);

namespace {

// In the order of the tables' field numbers.
constexpr auto kCollectors = std::to_array<Collector>({
    {"host", CollectHost},
    {"interfaces", CollectInterfaces},
    {"packages", CollectPackages},
    {"package_updates", CollectPackageUpdates},
    {"ports", CollectPorts},
});

}  // namespace

std::span<const Collector> AllCollectors() { return kCollectors; }

}  // namespace metsuke
