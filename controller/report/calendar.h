// Nights, as the local clock counts them.

#ifndef METSUKE_CONTROLLER_REPORT_CALENDAR_H_
#define METSUKE_CONTROLLER_REPORT_CALENDAR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace metsuke {

struct TimeOfDay {
  int hour = 0, minute = 0;
};

// Reads "06:00"; nothing for "never". InvalidArgument for anything else.
absl::StatusOr<std::optional<TimeOfDay>> ParseTimeOfDay(
    const std::string& text);

// The last instant, at or before `now`, at which local clocks said `time`.
// Where a clock that is put forward skips it, that at which it would have come;
// of two at which a clock that is put back says it, the first.
int64_t LastTime(int64_t now, TimeOfDay time);

// The local day of the instant, "2026-11-23".
std::string LocalDay(int64_t instant);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_CALENDAR_H_
