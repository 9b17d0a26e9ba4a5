// Logs that were cleared: what the collector's last look saw of them, and where
// that is now.

#ifndef METSUKE_COLLECTORS_LOG_CLEARINGS_H_
#define METSUKE_COLLECTORS_LOG_CLEARINGS_H_

#include <string>
#include <utility>
#include <vector>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/journals.h"
#include "collectors/log_shrunk.h"
#include "collectors/log_streams.h"
#include "collectors/log_time.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// What was taken from logs since metsuke-collect was started, for a week at
// least and as long as the log reaches further back. Told are the system's own
// logs and those of others that are rotated or hold more than a day: what a
// program writes anew each time it runs is no log. `rules` are those of
// logrotate, `journals` the files of each journal.
std::vector<LogCleared> FindClearings(
    const Host& host, const std::vector<LogStream>& streams,
    const std::vector<v1::LogrotateRule>& rules,
    const std::vector<std::pair<std::string, std::vector<JournalFile>>>&
        journals,
    const Zone& zone, Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_CLEARINGS_H_
