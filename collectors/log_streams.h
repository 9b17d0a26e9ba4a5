// Which files below /var/log are one log: the current file and what it was
// rotated into.

#ifndef METSUKE_COLLECTORS_LOG_STREAMS_H_
#define METSUKE_COLLECTORS_LOG_STREAMS_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/log_reader.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

struct LogStream {
  std::string path;              // of the current file, be it there or not
  std::vector<LogPiece> pieces;  // sorted by path, none empty of a name
};

// All logs below `folder`, four folders deep, but the journals, by path. Files in
// `whole` are current ones, whatever their names look like. What is too much, cannot
// be seen or is a FIFO, a socket or a device is told in `gaps`; links are passed
// over.
std::vector<LogStream> FindLogs(const Host& host, const std::string& folder,
                                const std::set<std::string>& whole, Gaps& gaps);

// Gives each log the files that logrotate moved to another folder (olddir), which
// are no logs of their own then. What of them cannot be seen is told in `gaps`.
void JoinOldFolders(const Host& host,
                    const std::vector<v1::LogrotateRule>& rules,
                    std::vector<LogStream>& streams, Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_STREAMS_H_
