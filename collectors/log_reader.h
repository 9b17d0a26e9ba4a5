// The first and the last record of a log, from the beginning and the end of
// its files alone.

#ifndef METSUKE_COLLECTORS_LOG_READER_H_
#define METSUKE_COLLECTORS_LOG_READER_H_

#include <cstdint>
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

// One file of the systemd journal.
struct JournalFile {
  int64_t size;                 // bytes
  std::optional<LogSpan> span;  // nothing while it has no entry
};

// The journal file at `path`, from its header alone; InvalidArgument when it
// has none.
absl::StatusOr<JournalFile> ReadJournalFile(const Host& host,
                                            const std::string& path);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_READER_H_
