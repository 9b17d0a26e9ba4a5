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

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// 1 to 12 for the three letters that `text` begins with, 0 for others.
int64_t Month(std::string_view text) {
  if (text.size() < 3) return 0;
  const size_t at = kMonths.find(text.substr(0, 3));
  return at == std::string_view::npos || at % 3 != 0
             ? 0
             : static_cast<int64_t>(at) / 3 + 1;
}

// Seconds east of UTC that `text` begins with; nothing when it names no offset.
std::optional<int64_t> Offset(std::string_view text) {
  if (text.starts_with('Z') || text.starts_with("UTC") ||
      text.starts_with("GMT"))
    return 0;
  for (const std::string_view shape :
       {"+00:00", "-00:00", "+0000", "-0000"}) {
    const auto n = Match(text, shape);
    if (!n) continue;
    const int64_t east =
        shape.size() == 6
            ? (*n)[0] * 3600 + (*n)[1] * 60
            : (*n)[0] / 100 * 3600 + (*n)[0] % 100 * 60;
    return shape[0] == '-' ? -east : east;
  }
  return {};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A date and time of digits alone that `text` begins with.
std::optional<int64_t> DigitTime(std::string_view text, const Zone& zone) {
  const bool slashes = text.size() > 4 && text[4] == '/';
  const auto date = Match(text, slashes ? "0000/00/00" : "0000-00-00");
  if (!date) return {};
  text.remove_prefix(10);
  if (text.starts_with("  ")) text.remove_prefix(1);  // apt's history.log
  if (!text.starts_with('T') && !text.starts_with(' ')) return {};
  text.remove_prefix(1);
  const auto time = Match(text, "00:00:00");
  if (!time) return {};
  const auto seconds = Seconds((*date)[0], (*date)[1], (*date)[2], (*time)[0],
                               (*time)[1], (*time)[2]);
  if (!seconds) return {};
  text.remove_prefix(8);
  if (text.starts_with('.') || text.starts_with(','))
    text.remove_prefix(
        std::min(text.find_first_not_of("0123456789", 1), text.size()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto offset = slashes ? std::nullopt : Offset(text);
  return offset ? *seconds - *offset : zone.ToUtc(*seconds);
}

// The same behind a word or two, such as "update-alternatives 2026-…".
std::optional<int64_t> DigitTimeNear(std::string_view line, const Zone& zone) {
  constexpr size_t kNear = 64;
  for (size_t i = 1; i + 19 <= line.size() && i < kNear; ++i) {
    if (!IsDigit(line[i]) || IsDigit(line[i - 1])) continue;
    if (const auto instant = DigitTime(line.substr(i), zone)) return instant;
  }
  return {};
}

// "[21/Nov/2026:20:00:00 +0900]". In front of it stands the name of the user,
// which clients choose, and behind it the request in quotes: the last one
// before the quotes is the server's.
std::optional<int64_t> CommonLogTime(std::string_view line) {
  size_t quotes = line.find('"');
  while (quotes != std::string_view::npos && quotes > 0 &&
         line[quotes - 1] == '\\')
    quotes = line.find('"', quotes + 1);
  line = line.substr(0, quotes);
  const size_t at = line.rfind('[');
  if (at == std::string_view::npos) return {};
  const std::string_view text = line.substr(at + 1);
  const auto day = Match(text, "00/");
  if (!day || text.size() < 27) return {};
  const int64_t month = Month(text.substr(3));
  const auto rest = Match(text.substr(6), "/0000:00:00:00 ");
  const auto offset = Offset(text.substr(21));
  if (month == 0 || !rest || !offset) return {};
  const auto seconds = Seconds((*rest)[0], month, (*day)[0], (*rest)[1],
                               (*rest)[2], (*rest)[3]);
  return seconds ? std::optional(*seconds - *offset) : std::nullopt;
}

// "[Sat Nov 21 20:00:00.123456 2026]"
std::optional<int64_t> ApacheErrorTime(std::string_view line,
                                       const Zone& zone) {
  if (!line.starts_with('[') || line.size() < 26) return {};
  const int64_t month = Month(line.substr(5));
  const auto n = Match(line.substr(8), " o0 00:00:00");
  const size_t end = line.find(']');
  if (month == 0 || !n || end == std::string_view::npos || end < 5) return {};
  const auto year = Match(line.substr(end - 5), " 0000]");
  if (!year) return {};
  const auto seconds =
      Seconds((*year)[0], month, (*n)[0], (*n)[1], (*n)[2], (*n)[3]);
  return seconds ? std::optional(zone.ToUtc(*seconds)) : std::nullopt;
}

std::optional<int64_t> Rfc3164(std::string_view line, const Zone& zone,
                               int64_t latest) {
  const int64_t month = Month(line);
  if (month == 0) return {};
  const auto n = Match(line.substr(3), " o0 00:00:00");
  if (!n) return {};
  const std::chrono::year_month_day last(
      std::chrono::sys_days(std::chrono::days(latest / kDay + 1)));
  // Eight years back there is a 29 February for certain.
  for (int back = 0; back <= 8; ++back) {
    const auto local = Seconds(static_cast<int>(last.year()) - back,
                               month, (*n)[0], (*n)[1], (*n)[2], (*n)[3]);
    if (!local) continue;
    const int64_t instant = zone.ToUtc(*local);
    if (instant <= latest + kDay) return instant;
  }
  return {};
}

std::optional<int64_t> AuditTime(std::string_view line) {
  // Nobody else's text begins a line of audit.log.
  if (!line.starts_with("type=") && !line.starts_with("node=")) return {};
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

Zone::Zone(std::string_view tzif)
    : id_(std::hash<std::string_view>()(tzif)) {
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
  // The footer is a TZ string; with a comma it has a rule (RFC 8536, 3.3).
  ruled_ = time_size == 8 &&
           tzif.substr(block->Size(8)).find(',') != std::string_view::npos;
}

bool Zone::MayChangeNear(int64_t instant) const {
  if (ruled_ && (changes_.empty() || instant > changes_.back().since))
    return true;
  return std::ranges::any_of(changes_, [&](const Change& change) {
    return change.since >= instant - kDay && change.since <= instant + kDay;
  });
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
  if (const auto instant = Rfc3164(line, zone, latest)) return instant;
  const std::string_view bare = line.substr(line.starts_with('[') ? 1 : 0);
  if (const auto instant = DigitTime(bare, zone)) return instant;
  if (const auto instant = ApacheErrorTime(line, zone)) return instant;
  if (const auto instant = AuditTime(line)) return instant;
  if (const auto instant = CommonLogTime(line)) return instant;
  return DigitTimeNear(line, zone);
}

}  // namespace metsuke
