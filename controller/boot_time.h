// When a host was booted.

#ifndef METSUKE_CONTROLLER_BOOT_TIME_H_
#define METSUKE_CONTROLLER_BOOT_TIME_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"
#include "controller/table_digests.h"

namespace metsuke {

// As the host's table `host` says it, in seconds since 1970-01-01 UTC; 0 when
// that is not known. The errors of `bodies`.
absl::StatusOr<int64_t> BootTime(const TableDigests& tables,
                                 const BodySource& bodies);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_BOOT_TIME_H_
