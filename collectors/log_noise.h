// What stands in a text log and is no text: what a host that fell left, a disk
// that failed, or somebody who wrote over records.

#ifndef METSUKE_COLLECTORS_LOG_NOISE_H_
#define METSUKE_COLLECTORS_LOG_NOISE_H_

#include <vector>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/log_pauses.h"
#include "collectors/log_rhythm.h"
#include "collectors/log_streams.h"
#include "collectors/log_time.h"

namespace metsuke {

// Bytes of no value between the lines of a log's files that are not compressed,
// from the last record before them to the first one behind. Loggers write none;
// noise of any kind has some. Those at the beginning of a file are left aside
// (LogPauses::Of). Each byte is read once, out of `budget.read`; where that is
// spent the collector goes on in its next run. Adds to `gaps` what cannot be read
// and that not all was read yet.
std::vector<LogPause> FindNoise(const Host& host, const LogStream& stream,
                                const Zone& zone, LogBudget& budget,
                                Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_NOISE_H_
