#include "collectors/wtmp.h"

#include <fmt/format.h>
#include <utmp.h>

#include <algorithm>
#include <vector>

#include "collectors/log_names.h"
#include "collectors/log_reader.h"
#include "collectors/unpack.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kLogs[] = "/var/log";
constexpr int64_t kRecord = sizeof(utmp);
constexpr int64_t kMost = 174'762 * kRecord, kPart = 16'384 * kRecord;  // bytes

// The newest first: an account that was not used this month is in an older
// file.
std::vector<LogPiece> PiecesOf(const Host& host,
                               const std::vector<std::string>& names) {
  std::vector<LogPiece> pieces;
  for (const std::string& name : names) {
    if (LogBase(name) != "wtmp") continue;
    const std::string path = fmt::format("{}/{}", kLogs, name);
    const auto info = host.Stat(path);
    if (info.ok()) pieces.push_back({path, *info});
  }
  std::ranges::stable_sort(pieces, std::ranges::greater(),
                           [](const auto& p) { return p.info.modified; });
  return pieces;
}

// One file, as far as `left` bytes reach back from its end.
absl::Status ReadPiece(const Host& host, const LogPiece& piece, int64_t& left,
                       const std::function<void(std::string_view)>& take) {
  const auto give = [&](std::string_view records) {
    left -= static_cast<int64_t>(records.size());
    take(records);
  };
  if (IsPacked(piece.path)) {
    std::string records;
    auto most = static_cast<size_t>(std::max<int64_t>(left, 0));
    const absl::Status unpacked =
        UnpackBlocks(host, piece.path, most,
                     [&](std::string_view block) { records += block; });
    // Of one that is larger the newest records, at its end, are not seen.
    if (!absl::IsResourceExhausted(unpacked)) give(records);
    return unpacked;
  }
  const int64_t end = piece.info.size / kRecord * kRecord;
  const int64_t start = std::max<int64_t>(0, end - left / kRecord * kRecord);
  for (int64_t at = start; at < end; at += kPart) {
    ASSIGN_OR_RETURN(
        const std::string records,
        host.ReadBytes(piece.path, at,
                       static_cast<size_t>(std::min(kPart, end - at))));
    give(records);
  }
  if (start == 0) return absl::OkStatus();
  return absl::ResourceExhaustedError(fmt::format(
      "of all files only the newest {} records are read", kMost / kRecord));
}

}  // namespace

void ReadWtmp(const Host& host,
              const std::function<void(std::string_view records)>& take,
              const std::function<void(const std::string& path,
                                       const absl::Status&)>& trouble) {
  const auto names = host.List(kLogs);
  if (!names.ok()) return trouble(kLogs, names.status());
  int64_t left = kMost;
  for (const LogPiece& piece : PiecesOf(host, *names))
    if (const auto read = ReadPiece(host, piece, left, take); !read.ok())
      trouble(piece.path, read);
}

}  // namespace metsuke
