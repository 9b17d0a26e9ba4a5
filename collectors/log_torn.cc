#include "collectors/log_torn.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/log_names.h"
#include "collectors/log_order.h"
#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What is kept of the end, to find the last record in. Records of utmp(5) are
// taken off whole.
constexpr size_t kUtmp = 384, kEnd = 170 * kUtmp;

// Of so many files of a log at most, and with so many files beside one.
constexpr size_t kMostTorn = 100, kMostBeside = 16;
// Bytes of what a file holds that is the first of a run.
size_t MostOf(std::string_view path) {
  return path.ends_with(".xz") || path.ends_with(".bz2") ? 64 << 20 : 256 << 20;
}

bool IsSame(const FileInfo& a, const FileInfo& b) {
  return a.inode == b.inode && a.size == b.size && a.modified == b.modified &&
         a.modified_nanos == b.modified_nanos;
}

// "whole", "cut" or "bad", each with the last record that can be read; "other" of
// one in another format; "?" and why when that is not to be known; nothing when it is
// not known yet.
std::string LookAt(const Host& host, LogFormat format, const LogPiece& piece,
                   const Zone& zone, LogBudget& budget) {
  if (budget.checked == 0 || budget.Late()) return "";
  const bool first = budget.checked == LogBudget().checked;
  const bool has_time = budget.HasTime();
  const size_t most = first ? MostOf(piece.path) : budget.checked;
  size_t left = most;
  std::string end;
  const absl::Status unpacked = UnpackBlocks(
      host, piece.path, left,
      [&](std::string_view block) {
        end += block;
        if (end.size() > 2 * kEnd)
          end.erase(0, (end.size() - kEnd) / kUtmp * kUtmp);
      },
      budget.until);
  budget.checked -= std::min(budget.checked, most - left);
  const auto last = [&] {
    return LastRecord(format, end, zone, piece.info.modified).value_or(0);
  };
  if (unpacked.ok()) return fmt::format("whole {}", last());
  if (absl::IsResourceExhausted(unpacked) && left == 0)
    return first ? fmt::format("? it holds more than {} MiB: whether it is whole "
                               "was not looked at",
                               most >> 20)
                 : "";
  if (absl::IsDeadlineExceeded(unpacked))
    return has_time ? "? it takes too long to unpack: whether it is whole was "
                      "not looked at"
                    : "";
  const bool cut = absl::IsDataLoss(unpacked);
  // log_sources tells of those in other formats.
  if (!CheckPacking(piece.path).ok()) return "other";
  if (!cut && !absl::IsInvalidArgument(unpacked))
    return "? " + Message(unpacked);
  // What was read may be of two files, or of one that is not ready.
  const auto now = host.Stat(piece.path);
  if (!now.ok() || !IsSame(*now, piece.info) ||
      std::time(nullptr) - now->modified < kStillWritten)
    return "";
  // The last line may be cut within its time.
  if (format == LogFormat::kText) end.erase(end.rfind('\n') + 1);
  return fmt::format("{} {}", cut ? "cut" : "bad", last());
}

std::string WhatIsSaidOf(const Host& host, LogFormat format,
                         const LogPiece& piece, const Zone& zone,
                         LogBudget& budget) {
  return host.Remember("torn", piece.path, [&] {
    return LookAt(host, format, piece, zone, budget);
  });
}

// The records next to a file that is torn: the last one of the files before it
// and the first one of those behind it; 0 when there is none.
LogSpan Around(const Host& host, LogFormat format,
               const std::vector<LogPiece>& pieces, size_t torn,
               const Zone& zone) {
  const auto span = [&](size_t i) {
    const auto read = ReadPiece(host, format, pieces[i], zone);
    return read.ok() && *read ? **read : LogSpan{0, 0};
  };
  LogSpan around{0, 0};
  for (size_t i = torn;
       i-- > 0 && around.oldest == 0 && torn - i <= kMostBeside;)
    around.oldest = span(i).newest;
  for (size_t i = torn + 1; i < pieces.size() && around.newest == 0 &&
                            i - torn <= kMostBeside;
       ++i)
    around.newest = span(i).oldest;
  // That of a compressed file is its last change, which a copy has later.
  if (around.newest != 0)
    around.oldest = std::min(around.oldest, around.newest);
  return around;
}

}  // namespace

int64_t LastUnpacked(const Host& host, LogFormat format, const LogPiece& piece,
                     const Zone& zone, LogBudget& budget) {
  const std::string said = WhatIsSaidOf(host, format, piece, zone, budget);
  if (said.empty()) host.ReadLive();
  const auto words = Words(said);
  return words.size() == 2 && words[0] != "?" ? Number(words[1]).value_or(0) : 0;
}

std::vector<LogPause> FindTorn(const Host& host, const LogStream& stream,
                               const Zone& zone, LogBudget& budget,
                               Gaps& gaps) {
  const LogFormat format = LogFormatOf(stream.path);
  const std::vector<LogPiece> pieces = 
      InOrder(host, stream.path, stream.pieces, zone);
  std::vector<LogPause> found;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string& path = pieces[i].path;
    // What is compressed and no rotated file is its program's own.
    if (!IsPacked(path) || path == stream.path) continue;
    const std::string said =
        WhatIsSaidOf(host, format, pieces[i], zone, budget);
    if (said.empty()) host.ReadLive();
    if (said.empty() && (budget.checked == 0 || budget.Late()))
      gaps.Add("/var/log", "not all compressed files were unpacked yet to see "
                           "whether they are whole");
    if (said.starts_with("? ")) gaps.Add(path, said.substr(2));
    const auto words = Words(said);
    if (words.size() != 2 || (words[0] != "cut" && words[0] != "bad")) continue;
    if (found.size() == kMostTorn) {
      gaps.Add(stream.path, "more files are cut off than are told");
      break;
    }
    const std::string_view name =
        std::string_view(path).substr(path.rfind('/') + 1);
    const LogSpan around = Around(host, format, pieces, i, zone);
    const int64_t last = Number(words[1]).value_or(0);
    found.push_back(
        {last != 0 ? last : around.oldest, around.newest,
         words[0] == "cut"
             ? fmt::format("{} is cut off: what followed is lost", name)
             : fmt::format("{} cannot be unpacked to its end", name)});
  }
  return found;
}

}  // namespace metsuke
