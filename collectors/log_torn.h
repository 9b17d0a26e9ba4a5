// Compressed files of logs that end before what they hold does, as when the
// disk was full or the host fell while they were made.

#ifndef METSUKE_COLLECTORS_LOG_TORN_H_
#define METSUKE_COLLECTORS_LOG_TORN_H_

#include <cstdint>
#include <vector>

#include "collectors/host.h"
#include "collectors/log_pauses.h"
#include "collectors/log_rhythm.h"
#include "collectors/log_streams.h"
#include "collectors/log_time.h"

namespace metsuke {

// What the rotated files of a log lack: from the last record that can be
// unpacked to the first one of the next file. Each file is unpacked once, out
// of `budget.checked`. The first one of a run may hold more than that, 256 MiB or
// 64 MiB in the formats that take long. Where the budget or its time is spent the
// collector goes on in its next run. Adds to `gaps` what cannot be read, what holds too
// much, and that not all was looked at yet.
std::vector<LogPause> FindTorn(const Host& host, const LogStream& stream,
                               const Zone& zone, LogBudget& budget, Gaps& gaps);

// The last record of a compressed file; 0 when it is not known, or not yet. It is
// unpacked at most once, as by FindTorn.
int64_t LastUnpacked(const Host& host, LogFormat format, const LogPiece& piece,
                     const Zone& zone, LogBudget& budget);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_TORN_H_
