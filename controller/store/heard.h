// When hosts were heard of, and when they were not.

#ifndef METSUKE_CONTROLLER_STORE_HEARD_H_
#define METSUKE_CONTROLLER_STORE_HEARD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "controller/silence.h"
#include "controller/store/sql.h"

namespace metsuke {

// What a store keeps of hosts that say nothing.
struct SilenceRule {
  // One that said nothing for longer, in seconds, was silent for that time.
  int64_t after = SilentAfter(300);
  // Between these two nobody listened: what a host would have said in between
  // is not held against it, nor what it has not said for as long afterwards.
  int64_t stopped = 0, listening = 0;
};

// When any host that is in the fleet was heard of last, by `now`; 0 when none
// ever was.
absl::StatusOr<int64_t> LastHeard(Database& database, int64_t now);

// The host was heard of at `now`. If it had been silent, or was never heard of
// before, that is kept. What was kept at a time that is yet to come, by a clock
// that was ahead, is no longer so. Nothing changes for a host that was removed.
absl::Status StoreHeard(Database& database, const std::string& host,
                        int64_t now, const SilenceRule& silence);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_HEARD_H_
