// The first and the last record of a log, from the beginning and the end of
// its files alone.

#ifndef METSUKE_COLLECTORS_LOG_READER_H_
#define METSUKE_COLLECTORS_LOG_READER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/log_time.h"

namespace metsuke {

// kLastlog is that of lastlog(5), or of lastlog2(8) where the name ends in .db:
// a record for each account, written over at each login.
enum class LogFormat { kText, kUtmp, kWtmpdb, kLastlog };

// One file of a log.
struct LogPiece {
  std::string path;
  FileInfo info;
};

// The first and the last instant, in seconds since 1970-01-01 UTC.
struct LogSpan {
  int64_t oldest;
  int64_t newest;
  // Bytes that a record takes, on the average of those that were looked at; 0
  // when that was not to be told.
  int64_t record_bytes = 0;
  // The latest time of a record that was left aside, later by a day than the
  // file was written or by a week than now; 0 when there is none.
  int64_t ahead = 0;
};

// `span` as it can be: what is later than now, by more than a week, is ahead.
LogSpan Bounded(LogSpan span);

// Makes `all`, which may be nothing yet, reach over `span` as well.
void Join(const LogSpan& span, std::optional<LogSpan>& all);

// The span of one file; nothing when it has no record. Unimplemented when it
// is compressed in a way that is not read.
absl::StatusOr<std::optional<LogSpan>> ReadPiece(const Host& host,
                                                 LogFormat format,
                                                 const LogPiece& piece,
                                                 const Zone& zone);

// The last record in the end of a file that was last written at `modified`; of
// utmp(5) it begins with a whole one. Nothing when there is none, or the format
// has no end.
std::optional<int64_t> LastRecord(LogFormat format, std::string_view end,
                                  const Zone& zone, int64_t modified);

// The last record as tables tell it: to the second where nothing was written in
// the last hour; of a log that is being written to the hour, as each look would
// see another table otherwise, and of one that is younger its first record.
int64_t NewestOf(const LogSpan& span);

// The zone of the host's clock on the wall; UTC when it has none.
Zone ReadZone(const Host& host);

// The span of a whole log, from the files it consists of, the oldest first
// (log_order.h); nothing when none has a record. Called with the path of a file that cannot be read, and why;
// nothing was found in it when why is empty.
using LogTrouble = std::function<void(const std::string& path, std::string why)>;
std::optional<LogSpan> ReadLog(const Host& host, LogFormat format,
                               const std::vector<LogPiece>& pieces,
                               const Zone& zone, const LogTrouble& trouble);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_READER_H_
