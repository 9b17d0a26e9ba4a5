#include "collectors/log_places.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// A look costs what opening the file does; more of it in one look finds more.
constexpr int64_t kBlock = 32 << 10;
// Within this of a line's beginning its time ends (log_time.h).
constexpr int64_t kStamp = 160;
// Lines that bear out the time at either end of a place.
constexpr size_t kWitnesses = 3;

class Times {
 public:
  Times(const Zone& zone, int64_t modified)
      : zone_(zone), modified_(modified) {}

  // As in log_reader.cc: what is later than the file's last change by more than
  // clocks are off is no time of a record.
  std::optional<int64_t> Of(std::string_view line) const {
    // What an emptied file begins with stands in front of its first line.
    line.remove_prefix(std::min(line.find_first_not_of('\0'), line.size()));
    const auto time = LogTime(line.substr(0, kStamp), zone_, modified_);
    return time && *time > 0 && *time <= modified_ + 86400 ? time
                                                           : std::nullopt;
  }

  // Whether the time of this line would be another if it had been written
  // years before.
  bool Yearless(std::string_view line) const {
    constexpr int64_t kYears = 4 * 366 * 86400;
    line = line.substr(0, kStamp);
    const auto time = Of(line);
    return time && LogTime(line, zone_, modified_ - kYears) != time;
  }

 private:
  const Zone& zone_;
  const int64_t modified_;
};

bool Near(int64_t a, int64_t b) {
  return a - b < kStepBack && b - a < kStepBack;
}

// Drops what is far from those next to it, which are near each other or, at an
// end, near the one behind.
void DropQuoted(std::vector<int64_t>& times) {
  if (times.size() < 3) return;
  const auto alone = [&](size_t i) {
    const size_t low = i == 0 ? 1 : i - 1;
    const size_t high = i == 0 ? 2 : i + 1 < times.size() ? i + 1 : i - 2;
    return Near(times[low], times[high]) && !Near(times[i], times[low]) &&
           !Near(times[i], times[high]);
  };
  std::vector<int64_t> kept;
  for (size_t i = 0; i < times.size(); ++i)
    if (!alone(i)) kept.push_back(times[i]);
  times = std::move(kept);
}

// The first times in `lines`, as many as bear each other out.
template <typename Lines>
std::vector<int64_t> Few(const Lines& lines, const Times& times) {
  std::vector<int64_t> few;
  for (const std::string_view line : lines) {
    if (const auto time = times.Of(line)) few.push_back(*time);
    if (few.size() == kWitnesses) break;
  }
  return few;
}

}  // namespace

std::optional<LogPlace> LookAtText(std::string_view text, size_t own,
                                   const Zone& zone, int64_t modified,
                                   int64_t least) {
  const Times times(zone, modified);
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < std::min(own, text.size());) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::vector<int64_t> head = Few(lines, times);
  if (head.empty()) return {};
  std::ranges::reverse(lines);
  std::vector<int64_t> tail = Few(lines, times);
  std::ranges::reverse(lines);
  std::ranges::reverse(tail);
  DropQuoted(head);
  DropQuoted(tail);
  LogPlace place{head.front(), tail.back(), lines.size(), {}, 0};
  place.yearless = times.Yearless(*std::ranges::find_if(
      lines, [&](std::string_view line) { return times.Of(line).has_value(); }));
  const auto matters = [&](int64_t length) {
    return length >= least || length <= -kStepBack;
  };
  if (!matters(place.last - place.first)) return place;
  std::vector<int64_t> all;
  for (const std::string_view line : lines)
    if (const auto time = times.Of(line)) all.push_back(*time);
  DropQuoted(all);
  place.first = all.front();
  place.last = all.back();
  for (size_t i = 1; i < all.size(); ++i)
    if (matters(all[i] - all[i - 1]))
      place.pauses.push_back({all[i - 1], all[i]});
  return place;
}

namespace {

// Where a file's text begins: behind what has no value, at the beginning of a
// block. Such a file has a hole there, which costs neither space nor time, and
// the text fills it up to its end.
absl::StatusOr<int64_t> TextBlock(const Host& host, const LogPiece& piece) {
  int64_t zero = -1, text = (piece.info.size + kBlock - 1) / kBlock;
  while (text - zero > 1) {
    const int64_t block = zero < 0 ? 0 : zero + (text - zero) / 2;
    ASSIGN_OR_RETURN(const std::string bytes,
                     host.ReadBytes(piece.path, block * kBlock, kBlock));
    if (bytes.find_first_not_of('\0') == std::string::npos)
      zero = block;
    else
      text = block;
    if (zero < 0) break;
  }
  return text;
}

absl::StatusOr<Rhythm> ReadPacked(const Host& host, const LogPiece& piece,
                                  const Zone& zone, int64_t least,
                                  LogBudget& budget) {
  Rhythm rhythm(least);
  const bool first = budget.unpacked == LogBudget::kMostUnpacked;
  const bool has_time = budget.HasTime();
  std::string text;
  const auto look = [&](size_t own) {
    if (rhythm.irregular) return text.clear();
    if (const auto place = LookAtText(std::string_view(text).substr(0, own),
                                      own, zone, piece.info.modified, least))
      rhythm.Add(*place);
    text.erase(0, own);
  };
  const absl::Status unpacked = UnpackBlocks(
      host, piece.path, budget.unpacked,
      [&](std::string_view block) {
        text += block;
        if (text.size() < size_t{kBlock}) return;
        // A line longer than a block is none that bears a time at its end.
        const size_t end = text.rfind('\n');
        look(end == std::string::npos ? text.size() : end + 1);
      },
      budget.until);
  const bool late = absl::IsDeadlineExceeded(unpacked);
  rhythm.whole = !late && !absl::IsResourceExhausted(unpacked);
  // It may also take more memory than there is.
  rhythm.too_much =
      !rhythm.whole && (late ? has_time : first || budget.unpacked > 0);
  if (!rhythm.whole) return rhythm;
  // Of what is cut off the rest is gone, and log_torn.h tells it.
  if (!absl::IsDataLoss(unpacked)) RETURN_IF_ERROR(unpacked);
  look(text.size());
  return rhythm;
}

}  // namespace

absl::StatusOr<Rhythm> ReadRhythm(const Host& host, const LogPiece& piece,
                                  const Zone& zone, int64_t least,
                                  LogBudget& budget) {
  if (IsPacked(piece.path)) return ReadPacked(host, piece, zone, least, budget);
  ASSIGN_OR_RETURN(const int64_t text, TextBlock(host, piece));
  const int64_t blocks = (piece.info.size + kBlock - 1) / kBlock - text;
  absl::Status trouble;
  const auto look = [&](size_t i) -> std::optional<LogPlace> {
    // From the byte before on, to see whether a line begins with the block.
    const int64_t begin = (text + static_cast<int64_t>(i)) * kBlock;
    const int64_t before = i == 0 ? 0 : 1;
    const auto bytes =
        host.ReadBytes(piece.path, begin - before,
                       static_cast<size_t>(kBlock + before + kStamp));
    if (!bytes.ok()) {
      trouble.Update(bytes.status());
      return {};
    }
    const size_t line = before == 0 ? 0 : bytes->find('\n') + 1;
    if (before != 0 && (line == 0 || line > static_cast<size_t>(kBlock)))
      return {};
    return LookAtText(std::string_view(*bytes).substr(line),
                      static_cast<size_t>(kBlock + before) - line, zone,
                      piece.info.modified, least);
  };
  Rhythm rhythm = FindPauses(static_cast<size_t>(std::max<int64_t>(0, blocks)),
                             least, budget.looks, look);
  RETURN_IF_ERROR(trouble);
  return rhythm;
}

absl::StatusOr<Cut> LookForCut(const Host& host, const LogPiece& piece,
                               const Zone& zone) {
  constexpr size_t kFewest = 20;
  ASSIGN_OR_RETURN(const int64_t block, TextBlock(host, piece));
  ASSIGN_OR_RETURN(const std::string bytes,
                   host.ReadBytes(piece.path, block * kBlock, kBlock));
  const size_t text = std::min(bytes.find_first_not_of('\0'), bytes.size());
  Cut cut{.zeros = block * kBlock + static_cast<int64_t>(text)};
  const Times times(zone, piece.info.modified);
  const auto lines = Lines(std::string_view(bytes).substr(text));
  // All lines but the first have a time; the last one may be cut by the block.
  cut.in_a_line = cut.zeros == 0 && lines.size() > kFewest &&
                  !times.Of(lines[0]) &&
                  std::all_of(lines.begin() + 1, lines.end() - 1,
                              [&](auto line) { return times.Of(line); });
  return cut;
}

}  // namespace metsuke
