#include "proto/instant.h"

#include <fmt/format.h>

#include <chrono>

namespace metsuke {
namespace {

constexpr int64_t kFirst = -62167219200;  // 0000-01-01T00:00:00Z
constexpr int64_t kLast = 253402300799;   // 9999-12-31T23:59:59Z

// The decimal number of `text`; -1 when another character is in it.
int Digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

// What `zone`, "Z" or "+09:00", is ahead of UTC, in seconds.
std::optional<int> Ahead(std::string_view zone) {
  if (zone == "Z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':')
    return {};
  const int hours = Digits(zone.substr(1, 2));
  const int minutes = Digits(zone.substr(4, 2));
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return {};
  const int ahead = hours * 3600 + minutes * 60;
  return zone[0] == '-' ? -ahead : ahead;
}

// Without the fraction of a second that `rest` begins with, if it does.
std::string_view AfterFraction(std::string_view rest) {
  if (rest.size() < 2 || rest[0] != '.' || Digits(rest.substr(1, 1)) < 0)
    return rest;
  const size_t end = rest.find_first_not_of("0123456789", 1);
  return end == rest.npos ? std::string_view() : rest.substr(end);
}

}  // namespace

std::string Rfc3339(int64_t instant) {
  if (instant < kFirst || instant > kLast) return std::to_string(instant);
  using namespace std::chrono;
  const sys_seconds time{seconds{instant}};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<int64_t> ParseInstant(std::string_view text) {
  if (text.size() != 10 && text.size() < 20) return {};
  if (text[4] != '-' || text[7] != '-') return {};
  const int year = Digits(text.substr(0, 4));
  const int month = Digits(text.substr(5, 2));
  const int day = Digits(text.substr(8, 2));
  if (year < 0 || month < 0 || day < 0) return {};
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return {};
  const int64_t midnight =
      int64_t{std::chrono::sys_days{date}.time_since_epoch().count()} * 86400;
  if (text.size() == 10) return midnight;
  if (text[10] != 'T' || text[13] != ':' || text[16] != ':') return {};
  const int hours = Digits(text.substr(11, 2));
  const int minutes = Digits(text.substr(14, 2));
  const int seconds = Digits(text.substr(17, 2));
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 ||
      seconds > 59)
    return {};
  const std::optional<int> ahead = Ahead(AfterFraction(text.substr(19)));
  if (!ahead) return {};
  return midnight + hours * 3600 + minutes * 60 + seconds - *ahead;
}

}  // namespace metsuke
