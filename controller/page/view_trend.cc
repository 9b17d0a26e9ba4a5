#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "controller/page/time_chart.h"
#include "controller/page/view_parts.h"

namespace metsuke {
namespace {

std::string Points(double score) {
  return score < 0 ? "–" : fmt::format("{:.1f}", score);
}

std::string Known(int64_t count) {
  return count < 0 ? "–" : std::to_string(count);
}

// A label as narrow as the scale is.
std::string Short(int64_t count) {
  return count < 1000    ? std::to_string(count)
         : count < 10000 ? fmt::format("{:.1f}k", count / 1000.0)
                         : fmt::format("{}k", count / 1000);
}

std::string At(int64_t instant) { return Local(instant, "%Y-%m-%d %H:%M"); }

std::string Said(const PageTime& time, const Words& words) {
  if (time.from == time.to)
    return At(time.to) +
           words.Say(" · score {}", " · スコア {}", Points(time.score));
  std::string said = words.Say("{} to {} · score {}", "{} ～ {} · スコア {}",
                               At(time.from), At(time.to), Points(time.score));
  said += time.worse < 0
              ? words.Say(" · drift not known", " · 変化は不明")
              : words.Say(" · worse {} · better {}", " · 悪化 {} · 改善 {}",
                          time.worse, time.better);
  if (time.facts >= 0)
    said += words.Say(" · facts {}", " · 事実 {}", time.facts);
  return said + words.Say(" · not seen {} of {}", " · 未確認 {} / {}",
                          Known(time.unseen), words.Count(time.hosts));
}

// What the chart shows, for whoever does not see it.
std::string Summary(const Page& page, size_t gaps, const Words& words) {
  int64_t worse = 0, better = 0;
  size_t told = 0, blind = 0, untold = 0;
  for (const PageTime& time : page.times) {
    if (time.from == time.to) continue;
    ++told;
    if (time.worse < 0) ++untold;
    worse += std::max<int64_t>(0, time.worse);
    better += std::max<int64_t>(0, time.better);
    if (time.unseen != 0) ++blind;
  }
  std::string summary = words.Say(
      "Score and drift, columns: {}; turned worse: {}, better: {}",
      "スコアと変化、区間: {}、悪化: {}、改善: {}", told, worse, better);
  if (blind > 0)
    summary += words.Say("; with something not seen: {}",
                         "、確認できなかったものがある区間: {}", blind);
  if (untold > 0)
    summary += words.Say("; with a drift that is not known: {}",
                         "、変化が不明の区間: {}", untold);
  if (gaps > 0)
    summary +=
        words.Say("; without a report: {}", "、報告のない期間: {}", gaps);
  return summary;
}

// A part of a chart with its place and width.
Value::Fields Column(const Slot& slot, double margin) {
  const double width = slot.width * (1 - 2 * margin);
  return {{"x", Percent(slot.x + slot.width * margin)},
          {"width", Percent(std::max(0.3, width))}};
}

void AddBars(const TimeChart& chart, Value::Fields& view) {
  Value::List worse, better, untold, facts, blind;
  for (size_t i = 0; i < chart.times().size(); ++i) {
    const PageTime& time = chart.times()[i];
    if (time.from == time.to) continue;
    const Slot slot = chart.SlotOf(i);
    if (time.worse < 0) untold.emplace_back(Column(slot, 0));
    if (time.unseen != 0) {
      // A single host of many can be seen, too.
      const double share =
          time.unseen < 0 || time.hosts == 0
              ? 100
              : std::clamp(100.0 * static_cast<double>(time.unseen) /
                               static_cast<double>(time.hosts),
                           40.0, 100.0);
      Value::Fields column = Column(slot, 0);
      column.emplace("y", Percent(100 - share));
      column.emplace("height", Percent(share));
      blind.emplace_back(std::move(column));
    }
    const auto bar = [&](int64_t count, Value::List& bars, bool up) {
      if (count <= 0) return;
      const double height = chart.Height(count);
      Value::Fields column = Column(slot, 0.12);
      column.emplace("y", Percent(up ? 50 - height : 50));
      column.emplace("height", Percent(height));
      bars.emplace_back(std::move(column));
    };
    bar(time.worse, worse, true);
    bar(time.better, better, false);
    if (time.facts > 0) facts.emplace_back(Column(slot, 0.12));
  }
  view.emplace("any_untold", !untold.empty());
  view.emplace("any_blind_night", !blind.empty());
  view.emplace("worse", std::move(worse));
  view.emplace("better", std::move(better));
  view.emplace("untold", std::move(untold));
  view.emplace("facts", std::move(facts));
  view.emplace("blind", std::move(blind));
}

Value::List Nights(const TimeChart& chart, const Words& words) {
  Value::List nights;
  for (size_t i = 0; i < chart.times().size(); ++i) {
    const PageTime& time = chart.times()[i];
    Value::Fields night = Column(chart.SlotOf(i), 0);
    night.emplace("title", Said(time, words));
    night.emplace("is_instant", time.from == time.to);
    night.emplace("day", At(time.to));
    night.emplace("score", Points(time.score));
    night.emplace("hosts", time.hosts);
    night.emplace("worse", Known(time.worse));
    night.emplace("better", Known(time.better));
    night.emplace("facts", Known(time.facts));
    night.emplace("unseen", Known(time.unseen));
    night.emplace("any_score", time.score >= 0);
    night.emplace("at", Percent(chart.X(time.to)));
    night.emplace("y", Percent(chart.Y(time.score)));
    nights.emplace_back(std::move(night));
  }
  return nights;
}

Value::List Marks(const Page& page, const TimeChart& chart,
                  const Words& words) {
  Value::List marks;
  // Of a part, all instants were held against the same.
  if (!page.nightly) return marks;
  for (const auto& [at, version] : page.baselines)
    if (at > page.times.front().to && at < page.times.back().to)
      marks.emplace_back(
          Value::Fields{{"x", Percent(chart.X(at))},
                        {"title", words.Say("Baseline {}", "ベースライン {}",
                                            version.substr(0, 12))}});
  return marks;
}

}  // namespace

Value TrendView(const Page& page, const Words& words) {
  if (page.times.empty())
    return Value::Fields{{"any_trend", false}, {"is_part", false}};
  const TimeChart chart(page.times, page.nightly);
  Value::List gaps, marks = Marks(page, chart, words);
  for (const Slot& gap : chart.Gaps()) gaps.emplace_back(Column(gap, 0));
  const bool any_gap = !gaps.empty(), any_mark = !marks.empty();
  const bool any_facts = std::ranges::any_of(
      page.times, [](const PageTime& time) { return time.facts >= 0; });
  Value::List pieces;
  for (std::string& line : chart.Lines()) pieces.emplace_back(std::move(line));
  const auto end = [&](int64_t at) {
    return page.nightly ? Local(at, "%Y-%m-%d") : At(at);
  };
  Value::Fields view = {
      {"any_trend", true},
      {"is_part", !page.nightly},
      {"summary", Summary(page, gaps.size(), words)},
      {"pieces", std::move(pieces)},
      {"gaps", std::move(gaps)},
      {"any_gap", any_gap},
      {"marks", std::move(marks)},
      {"any_mark", any_mark},
      {"any_facts", any_facts},
      {"nights", Nights(chart, words)},
      {"lowest", fmt::format("{:.0f}", chart.lowest())},
      {"half", fmt::format("{:.0f}", (100 + chart.lowest()) / 2)},
      {"most", Short(chart.most())},
      {"first", end(chart.from())},
      {"last", end(chart.to())}};
  AddBars(chart, view);
  return view;
}

}  // namespace metsuke
