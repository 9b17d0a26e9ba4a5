#include "controller/report/calendar.h"

#include <cstdio>
#include <ctime>

namespace metsuke {
namespace {

std::tm Local(int64_t instant) {
  const time_t time = instant;
  std::tm local{};
  localtime_r(&time, &local);
  return local;
}

// The instant at which the local clock says `time`, so many days before `day`.
int64_t At(const std::tm& day, int days_before, TimeOfDay time) {
  std::tm at{};
  at.tm_year = day.tm_year;
  at.tm_mon = day.tm_mon;
  at.tm_mday = day.tm_mday - days_before;
  at.tm_hour = time.hour;
  at.tm_min = time.minute;
  at.tm_isdst = -1;
  const int64_t instant = std::mktime(&at);
  // Which of two instants mktime(3) takes depends on what it was asked before;
  // clocks are put back by an hour, on Lord Howe Island by half of one.
  for (const int64_t back : {3600, 1800}) {
    const std::tm earlier = Local(instant - back);
    if (earlier.tm_hour == time.hour && earlier.tm_min == time.minute)
      return instant - back;
  }
  return instant;
}

}  // namespace

absl::StatusOr<std::optional<TimeOfDay>> ParseTimeOfDay(
    const std::string& text) {
  if (text == "never") return std::nullopt;
  TimeOfDay time;
  int end = 0;
  if (std::sscanf(text.c_str(), "%2d:%2d%n", &time.hour, &time.minute, &end) ==
          2 &&
      text.size() == 5 && end == 5 && time.hour >= 0 && time.hour < 24 &&
      time.minute >= 0 && time.minute < 60)
    return time;
  return absl::InvalidArgumentError(
      text + ": is no time of the day; write it as 06:00, or never");
}

int64_t LastTime(int64_t now, TimeOfDay time) {
  const std::tm day = Local(now);
  for (int back = 0; back < 3; ++back)
    if (const int64_t at = At(day, back, time); at <= now) return at;
  return now;
}

std::string LocalDay(int64_t instant) {
  const std::tm local = Local(instant);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &local)};
}

}  // namespace metsuke
