#include <array>

#include "collectors/collector.h"

namespace metsuke {

// (one declaration per collector, alphabetical)

namespace {

// In the order of the tables' field numbers.
constexpr std::array<Collector, 0> kCollectors = {{
}};

}  // namespace

std::span<const Collector> AllCollectors() { return kCollectors; }

}  // namespace metsuke
