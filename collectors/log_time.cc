#include "collectors/log_time.h"

#include <algorithm>
#include <chrono>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

// Seconds of a date and time; nothing when there is no such day or time.
std::optional<int64_t> Seconds(int64_t year, int64_t month, int64_t day,
                               int64_t hour, int64_t minute, int64_t second) {
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(year)),
      std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return {};
  const int64_t days =
      std::chrono::sys_days(date).time_since_epoch().count();
  return days * kDay + hour * 3600 + minute * 60 + second;
}

// Reads texts of one shape: '0' stands for a digit, 'o' for a digit or a
// blank, all else for itself. Each run of digits is a number.
std::optional<std::vector<int64_t>> Match(std::string_view text,
                                          std::string_view shape) {
  if (text.size() < shape.size()) return {};
  std::vector<int64_t> numbers;
  bool in_number = false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool wanted = shape[i] == '0' || shape[i] == 'o';
    if (wanted ? !digit && !(shape[i] == 'o' && text[i] == ' ')
               : text[i] != shape[i])
      return {};
    if (wanted && !in_number) numbers.push_back(0);
    if (digit && wanted) numbers.back() = numbers.back() * 10 + (text[i] - '0');
    in_number = wanted;
  }
  return numbers;
}

std::optional<int64_t> Rfc3339(std::string_view line) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  const auto n = Match(line, kShape);
  if (!n) return {};
  const auto seconds =
      Seconds((*n)[0], (*n)[1], (*n)[2], (*n)[3], (*n)[4], (*n)[5]);
  line.remove_prefix(kShape.size());
  if (line.starts_with('.'))
    line.remove_prefix(
        std::min(line.find_first_not_of("0123456789", 1), line.size()));
  if (!seconds || line.starts_with('Z')) return seconds;
  auto offset = Match(line, "+00:00");
  const bool west = !offset;
  if (west) offset = Match(line, "-00:00");
  if (!offset) return {};
  const int64_t east = (*offset)[0] * 3600 + (*offset)[1] * 60;
  return *seconds - (west ? -east : east);
}

std::optional<int64_t> Rfc3164(std::string_view line, const Zone& zone,
                               int64_t latest) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const size_t month = kMonths.find(line.substr(0, 3));
  if (line.size() < 3 || month == std::string_view::npos || month % 3 != 0)
    return {};
  const auto n = Match(line.substr(3), " o0 00:00:00");
  if (!n) return {};
  const std::chrono::year_month_day last(
      std::chrono::sys_days(std::chrono::days(latest / kDay + 1)));
  // Eight years back there is a 29 February for certain.
  for (int back = 0; back <= 8; ++back) {
    const auto local = Seconds(static_cast<int>(last.year()) - back,
                               static_cast<int64_t>(month) / 3 + 1, (*n)[0],
                               (*n)[1], (*n)[2], (*n)[3]);
    if (!local) continue;
    const int64_t instant = zone.ToUtc(*local);
    if (instant <= latest + kDay) return instant;
  }
  return {};
}

std::optional<int64_t> AuditTime(std::string_view line) {
  constexpr std::string_view kMark = "audit(";
  const size_t at = line.find(kMark);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + kMark.size());
  return Number(line.substr(0, line.find_first_of(".:)")));
}

// Big-endian numbers of a TZif file.
int64_t BigEndian(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = static_cast<uint8_t>(bytes[at]) & 0x80 ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < size; ++i)
    value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return static_cast<int64_t>(value);
}

// The header of one data block of a TZif file.
struct TzifBlock {
  static constexpr size_t kHeader = 44;
  size_t isut, isstd, leaps, changes, types, letters;

  static std::optional<TzifBlock> Read(std::string_view tzif) {
    if (tzif.size() < kHeader || !tzif.starts_with("TZif")) return {};
    size_t counts[6];
    for (int i = 0; i < 6; ++i) {
      const int64_t count = BigEndian(tzif, 20 + 4 * i, 4);
      // No zone has more; sums stay far from overflow.
      if (count < 0 || count > 100000) return {};
      counts[i] = static_cast<size_t>(count);
    }
    return TzifBlock{counts[0], counts[1], counts[2],
                     counts[3], counts[4], counts[5]};
  }

  size_t Size(size_t time_size) const {
    return kHeader + changes * (time_size + 1) + types * 6 + letters +
           leaps * (time_size + 4) + isstd + isut;
  }
};

}  // namespace

Zone::Zone(std::string_view tzif) {
  auto block = TzifBlock::Read(tzif);
  if (!block || tzif.size() < block->Size(4)) return;
  // Version 2 and later repeat the block with 64-bit times.
  size_t time_size = 4;
  if (tzif[4] >= '2') {
    tzif.remove_prefix(block->Size(4));
    block = TzifBlock::Read(tzif);
    time_size = 8;
    if (!block || tzif.size() < block->Size(8)) return;
  }
  const size_t times = TzifBlock::kHeader;
  const size_t indices = times + block->changes * time_size;
  const size_t types = indices + block->changes;
  const auto offset = [&](size_t type) {
    return static_cast<int32_t>(BigEndian(tzif, types + type * 6, 4));
  };
  if (block->types > 0) first_offset_ = offset(0);
  for (size_t i = 0; i < block->changes; ++i) {
    const size_t type = static_cast<uint8_t>(tzif[indices + i]);
    if (type >= block->types) continue;
    changes_.push_back(
        {BigEndian(tzif, times + i * time_size, time_size), offset(type)});
  }
}

int32_t Zone::OffsetAt(int64_t instant) const {
  const auto after = std::upper_bound(
      changes_.begin(), changes_.end(), instant,
      [](int64_t i, const Change& change) { return i < change.since; });
  return after == changes_.begin() ? first_offset_ : std::prev(after)->offset;
}

int64_t Zone::ToUtc(int64_t local) const {
  // The offset a day before is in force unless it changed since; the later
  // one then shows whether it already had.
  const int32_t before = OffsetAt(local - kDay);
  const int32_t after = OffsetAt(local + kDay);
  return OffsetAt(local - before) == before ? local - before : local - after;
}

std::optional<int64_t> LogTime(std::string_view line, const Zone& zone,
                               int64_t latest) {
  if (const auto instant = Rfc3339(line)) return instant;
  if (const auto instant = Rfc3164(line, zone, latest)) return instant;
  return AuditTime(line);
}

}  // namespace metsuke
