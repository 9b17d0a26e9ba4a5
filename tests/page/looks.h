// What the hosts of a fleet to make pages of look like, made after a recorded
// one.

#ifndef METSUKE_TESTS_PAGE_LOOKS_H_
#define METSUKE_TESTS_PAGE_LOOKS_H_

#include <cstdint>
#include <string>

#include "proto/snapshot.pb.h"

namespace metsuke {

// Midnight UTC, shortly after the recorded host was recorded: 2026-01-08.
inline constexpr int64_t kFleetEnd = 1767830400;

// All that is recorded of the host.
v1::Snapshot ReadRecorded();

// Six of ten serve the web, two keep data, the others run applications.
const char* RoleOf(int i);

// Host `i` in the night `night`, counted from the last. Most of it is in good
// order; some of it fails, some cannot be seen, and one host is hostile.
v1::Snapshot LookOf(const v1::Snapshot& recorded, int i, int night);

// What the hostile host says wherever it can.
const std::string& HostileText();

}  // namespace metsuke

#endif  // METSUKE_TESTS_PAGE_LOOKS_H_
