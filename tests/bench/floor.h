// The least that looking at a host can cost: reading what the collectors read,
// and doing nothing with it.

#ifndef METSUKE_TESTS_BENCH_FLOOR_H_
#define METSUKE_TESTS_BENCH_FLOOR_H_

#include <cstddef>
#include <cstdint>

namespace metsuke {

struct Read {
  size_t files = 0;
  int64_t bytes = 0;
};

// Reads the package databases, the lists of available packages, /etc, who has
// which descriptor, and both ends of each log.
Read ReadSources();

// Asks only when each of these files changed, and who has which descriptor.
Read StatSources();

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_FLOOR_H_
