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

enum class LogFormat { kText, kUtmp, kWtmpdb };

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
};

// Whether `name` is `base` or what logrotate, auditd or wtmpdb make of it:
// "base.1", "base.2.gz", "base-20261121.zst".
bool IsPieceOf(std::string_view name, std::string_view base);

// The beginning of what a .gz or .zst file holds, at most `most` bytes, from
// the beginning of the file; less when it is torn. `name` says which it is.
std::string Unpack(std::string_view name, std::string_view bytes, size_t most);

// Whether the name ends as that of a compressed file does.
bool IsPacked(std::string_view name);

// All that a compressed file holds, if that is `most` bytes at most; of
// itself, 64 MiB are read. ResourceExhausted when there is more of either,
// Unimplemented when it is compressed in a way that is not read.
absl::StatusOr<std::string> UnpackWhole(const Host& host,
                                        const std::string& path, size_t most);

// The span of one file; nothing when it has no record. Unimplemented when it
// is compressed in a way that is not read.
absl::StatusOr<std::optional<LogSpan>> ReadPiece(const Host& host,
                                                 LogFormat format,
                                                 const LogPiece& piece,
                                                 const Zone& zone);

// The zone of the host's clock on the wall; UTC when it has none.
Zone ReadZone(const Host& host);

// The span of a whole log, from the files it consists of; nothing when none has
// a record. Called with the path of a file that cannot be read, and why;
// nothing was found in it when why is empty.
using LogTrouble = std::function<void(const std::string& path, std::string why)>;
std::optional<LogSpan> ReadLog(const Host& host, LogFormat format,
                               std::vector<LogPiece> pieces, const Zone& zone,
                               const LogTrouble& trouble);

// One file of the systemd journal.
struct JournalFile {
  int64_t size;                 // bytes
  std::optional<LogSpan> span;  // nothing while it has no entry
  int64_t entries = 0;
  bool sealed = false;
};

// The journal file at `path`, from its header alone; InvalidArgument when it
// has none.
absl::StatusOr<JournalFile> ReadJournalFile(const Host& host,
                                            const std::string& path);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_READER_H_
