// Which of the files of a log is the older one.

#ifndef METSUKE_COLLECTORS_LOG_ORDER_H_
#define METSUKE_COLLECTORS_LOG_ORDER_H_

#include <string>
#include <vector>

#include "collectors/host.h"
#include "collectors/log_reader.h"

namespace metsuke {

// The files of the log at `path`, the oldest first. Numbers and dates in their
// names say which that is; where the times of their last changes say otherwise,
// as they do after a copy, their first records decide. Without numbers and
// dates, or with both, it is the files' last changes. One that logrotate is
// compressing is there twice, and told once.
std::vector<LogPiece> InOrder(const Host& host, const std::string& path,
                              std::vector<LogPiece> pieces, const Zone& zone);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_ORDER_H_
