#include "controller/page/time_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

// In steps, so that it does not tremble from day to day.
double LowestOf(const std::vector<PageTime>& times) {
  double lowest = 100;
  for (const PageTime& time : times)
    if (time.score >= 0) lowest = std::min(lowest, time.score);
  return std::clamp(std::floor((lowest - 1) / 20) * 20, 0.0, 80.0);
}

int64_t MostOf(const std::vector<PageTime>& times) {
  int64_t most = 1;
  for (const PageTime& time : times)
    most = std::max({most, time.worse, time.better});
  return most;
}

}  // namespace

TimeChart::TimeChart(const std::vector<PageTime>& times, bool nightly)
    : times_(times),
      nightly_(nightly),
      from_(nightly ? std::max(times.front().from, times.front().to - kDay)
                    : times.front().from),
      to_(times.back().to),
      lowest_(LowestOf(times)),
      most_(MostOf(times)) {}

double TimeChart::X(int64_t at) const {
  return 100.0 * static_cast<double>(at - from_) /
         static_cast<double>(std::max<int64_t>(1, to_ - from_));
}

double TimeChart::Y(double score) const {
  return 100 - 100 * (std::max(score, lowest_) - lowest_) / (100 - lowest_);
}

std::vector<std::string> TimeChart::Lines() const {
  std::vector<std::string> lines;
  std::string line;
  const auto close = [&] {
    if (!line.empty()) lines.push_back(std::exchange(line, ""));
  };
  for (size_t i = 0; i < times_.size(); ++i) {
    const PageTime& time = times_[i];
    if (IsAfterGap(i) || time.score < 0) close();
    if (time.score < 0) continue;
    line += fmt::format("{}{:.2f},{:.2f}", line.empty() ? "" : " ", X(time.to),
                        Y(time.score));
  }
  close();
  return lines;
}

bool TimeChart::IsAfterGap(size_t i) const {
  // A night may be an hour longer than a day.
  return nightly_ && i > 0 && times_[i].to - times_[i - 1].to > 3 * kDay / 2;
}

int64_t TimeChart::Begin(size_t i) const {
  const PageTime& time = times_[i];
  if (i == 0) return std::max(from_, time.from);
  const int64_t night = IsAfterGap(i) ? time.to - kDay : time.from;
  return std::max({time.from, times_[i - 1].to, night});
}

Slot TimeChart::SlotOf(size_t i) const {
  const double x = X(Begin(i));
  return {.x = x, .width = X(times_[i].to) - x};
}

std::vector<Slot> TimeChart::Gaps() const {
  std::vector<Slot> gaps;
  for (size_t i = 1; i < times_.size(); ++i) {
    const int64_t end = times_[i - 1].to, begin = Begin(i);
    // Two reports of nights follow each other without a second between them.
    if (begin > end) gaps.push_back({.x = X(end), .width = X(begin) - X(end)});
  }
  return gaps;
}

double TimeChart::Height(int64_t count) const {
  return std::max(2.0,
                  48 * static_cast<double>(count) / static_cast<double>(most_));
}

}  // namespace metsuke
