#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "controller/page/view_parts.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

// How the fleet stood at an instant.
struct Point {
  int64_t at = 0;
  double score = -1;
  uint32_t hosts = 0, worse = 0, better = 0, unseen = 0;
};

std::vector<Point> PointsOf(const Page& page) {
  const v1::Report& report = page.report;
  std::vector<Point> points;
  // Nights are of the whole fleet.
  if (report.host().empty() && report.selector().empty()) {
    for (const v1::ReportEntry& night : page.nights)
      points.push_back({.at = night.to(),
                        .score = night.score(),
                        .hosts = night.hosts(),
                        .worse = night.worse(),
                        .better = night.better(),
                        .unseen = night.unseen()});
  } else {
    points.push_back({.at = report.from(),
                      .score = report.before().score(),
                      .hosts = report.before().hosts()});
  }
  if (!points.empty() && points.back().at == report.to()) return points;
  const v1::ReportEntry now = EntryOf(report);
  points.push_back({.at = now.to(),
                    .score = now.score(),
                    .hosts = now.hosts(),
                    .worse = now.worse(),
                    .better = now.better(),
                    .unseen = now.unseen()});
  return points;
}

// Places instants and scores in a chart.
class Trend {
 public:
  // The points are nights, one of which may be missing, when `nightly`.
  Trend(const std::vector<Point>& points, bool nightly)
      : points_(points),
        nightly_(nightly),
        from_(points.front().at),
        to_(points.back().at),
        lowest_(Lowest(points)) {}

  double X(int64_t at) const {
    return 100.0 * static_cast<double>(at - from_) /
           static_cast<double>(std::max<int64_t>(1, to_ - from_));
  }
  double Y(double score) const {
    return 100 - 100 * (score - lowest_) / (100 - lowest_);
  }
  double lowest() const { return lowest_; }

  // Pieces of the line, each "x,y x,y".
  Value::List Lines() const {
    Value::List lines;
    std::string line;
    const auto close = [&] {
      if (!line.empty()) lines.emplace_back(std::exchange(line, ""));
    };
    for (size_t i = 0; i < points_.size(); ++i) {
      if (IsGap(i) || points_[i].score < 0) close();
      if (points_[i].score < 0) continue;
      line += fmt::format("{}{:.2f},{:.2f}", line.empty() ? "" : " ",
                          X(points_[i].at), Y(points_[i].score));
    }
    close();
    return lines;
  }

  // Nights without a report.
  Value::List Gaps() const {
    Value::List gaps;
    for (size_t i = 1; i < points_.size(); ++i)
      if (IsGap(i))
        gaps.emplace_back(Value::Fields{
            {"x", Percent(X(points_[i - 1].at))},
            {"width", Percent(X(points_[i].at) - X(points_[i - 1].at))}});
    return gaps;
  }

 private:
  // In steps, so that it does not tremble from day to day.
  static double Lowest(const std::vector<Point>& points) {
    double lowest = 100;
    for (const Point& point : points)
      if (point.score >= 0) lowest = std::min(lowest, point.score);
    return std::clamp(std::floor((lowest - 1) / 20) * 20, 0.0, 80.0);
  }

  bool IsGap(size_t i) const {
    return nightly_ && i > 0 &&
           points_[i].at - points_[i - 1].at > 3 * kDay / 2;
  }

  const std::vector<Point>& points_;
  const bool nightly_;
  const int64_t from_, to_;
  const double lowest_;
};

}  // namespace

Value TrendView(const Page& page, const Words& words) {
  const std::vector<Point> points = PointsOf(page);
  const bool part =
      !page.report.host().empty() || !page.report.selector().empty();
  const Trend trend(points, !part);
  const auto day = [](int64_t at) { return Local(at, "%Y-%m-%d"); };
  Value::List nights, marks;
  const double step = 100.0 / static_cast<double>(points.size());
  for (const Point& point : points) {
    const std::string score =
        point.score < 0 ? "–" : fmt::format("{:.1f}", point.score);
    const double x = trend.X(point.at), left = std::max(0.0, x - step / 2);
    nights.emplace_back(Value::Fields{
        {"day", Local(point.at, "%Y-%m-%d %H:%M")},
        {"score", score},
        {"hosts", point.hosts},
        {"worse", point.worse},
        {"better", point.better},
        {"unseen", point.unseen},
        {"any_unseen", point.unseen > 0},
        {"any_score", point.score >= 0},
        {"x", Percent(x)},
        {"y", Percent(point.score < 0 ? 100 : trend.Y(point.score))},
        {"left", Percent(left)},
        {"width", Percent(std::min(100.0, x + step / 2) - left)}});
  }
  for (const auto& [at, version] : page.baselines)
    if (at > points.front().at && at < points.back().at)
      marks.emplace_back(
          Value::Fields{{"x", Percent(trend.X(at))},
                        {"title", words.Say("Baseline {}", "ベースライン {}",
                                            version.substr(0, 12))}});
  Value::List gaps = trend.Gaps();
  const bool any_gap = !gaps.empty(), any_mark = !marks.empty();
  return Value::Fields{
      {"any_trend", points.size() > 1},
      {"is_part", part},
      {"pieces", trend.Lines()},
      {"gaps", std::move(gaps)},
      {"any_gap", any_gap},
      {"marks", std::move(marks)},
      {"any_mark", any_mark},
      {"any_blind_night",
       std::ranges::any_of(
           points, [](const Point& point) { return point.unseen > 0; })},
      {"nights", std::move(nights)},
      {"lowest", fmt::format("{:.0f}", trend.lowest())},
      {"half", fmt::format("{:.0f}", (100 + trend.lowest()) / 2)},
      {"first", day(points.front().at)},
      {"last", day(points.back().at)}};
}

}  // namespace metsuke
