#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "controller/page/labels.h"
#include "controller/page/view_parts.h"

namespace metsuke {
namespace {

// The middle one of the hosts, and the ends.
struct Spread {
  int64_t least = 0, middle = 0, most = 0;
  uint32_t hosts = 0, below = 0;
};

Spread SpreadOf(const LogReach& log) {
  Spread spread;
  for (const auto& [days, hosts] : log.days) {
    spread.hosts += hosts.count();
    if (days < log.asked) spread.below += hosts.count();
  }
  if (spread.hosts == 0) return spread;
  spread.least = log.days.begin()->first;
  spread.most = log.days.rbegin()->first;
  uint32_t counted = 0;
  for (const auto& [days, hosts] : log.days) {
    counted += hosts.count();
    spread.middle = days;
    if (2 * counted >= spread.hosts) break;
  }
  return spread;
}

Value ShortOf(const LogReach& log, const Words& words) {
  constexpr size_t kMostLines = 20;
  Value::List lines;
  for (const auto& [days, hosts] : log.days) {
    if (days >= log.asked || lines.size() == kMostLines) break;
    Value::Fields line = HostsOf(hosts, 20, words);
    line.emplace("days", words.Say("{} d", "{} 日", days));
    lines.emplace_back(std::move(line));
  }
  return lines;
}

Value LogView(const LogReach& log, double scale, const Words& words) {
  const Spread spread = SpreadOf(log);
  const auto place = [scale](int64_t days) {
    return std::min(100.0, 100 * static_cast<double>(days) / scale);
  };
  // One that has no length can be seen as well.
  const double left = std::min(99.0, place(spread.least)),
               right = std::max(left + 1, place(spread.most));
  std::string note;
  if (spread.hosts == 0)
    note = words.Say("no record with a time", "時刻のある記録がない");
  else if (spread.least == spread.most)
    note = words.Say("{} d", "{} 日", spread.least);
  else
    note = words.Say("{} to {} d, middle {}", "{} ～ {} 日、中央 {} 日",
                     spread.least, spread.most, spread.middle);
  std::string below;
  if (spread.below > 0)
    below = words.Say("{} of {} below {} d", "{1} 台中 {0} 台が {2} 日未満",
                      spread.below, spread.hosts, log.asked);
  else if (log.asked >= 0 && spread.hosts > 0)
    below = words.Say("all of {} reach {} d", "{} 台すべて {} 日以上",
                      spread.hosts, log.asked);
  std::string unseen;
  if (log.unread.count() > 0)
    unseen = words.Say("not all files could be read: {}",
                       "読めないファイルあり: {}", words.Hosts(log.unread));
  if (log.empty.count() > 0)
    unseen += (unseen.empty() ? "" : " · ") +
              words.Say("no record with a time: {}", "時刻のある記録なし: {}",
                        words.Hosts(log.empty));
  return Value::Fields{
      {"title", LogTitle(log.source, words)},
      {"any_reach", spread.hosts > 0},
      {"x", Percent(left)},
      {"width", Percent(right - left)},
      {"middle", Percent(place(spread.middle))},
      {"asked", log.asked < 0 ? Value(false) : Percent(place(log.asked))},
      {"note", note},
      {"below", below.empty() ? Value(false) : Value(below)},
      {"is_short", spread.below > 0},
      {"blind_note", unseen.empty() ? Value(false) : Value(unseen)},
      {"shorts", ShortOf(log, words)}};
}

}  // namespace

Value LogsView(const Page& page, const Words& words) {
  // Beyond half as much again as is asked for nobody needs to see how far.
  int64_t asked = 0, most = 1;
  for (const LogReach& log : page.logs) {
    asked = std::max(asked, log.asked);
    if (!log.days.empty()) most = std::max(most, log.days.rbegin()->first);
  }
  const auto scale = static_cast<double>(
      asked > 0 ? std::max<int64_t>(1, asked * 3 / 2) : most);
  Value::List logs;
  for (const LogReach& log : page.logs)
    logs.emplace_back(LogView(log, scale, words));
  return Value::Fields{{"any_log", !logs.empty()},
                       {"kinds", std::move(logs)},
                       {"scale", words.Say("{:.0f} d", "{:.0f} 日", scale)},
                       {"any_hidden", page.logs_unseen.count() > 0},
                       {"hidden", words.Hosts(page.logs_unseen)}};
}

Value CoverageView(const Page& page, const Groups& groups, const Words& words) {
  struct Sum {
    double pass = 0, fail = 0, waived = 0, unknown = 0;
  };
  std::vector<Sum> sums(groups.words().size());
  for (size_t i = 0; i < page.controls.size(); ++i) {
    const PageControl& control = page.controls[i];
    Sum& sum = sums[groups.Of(i)];
    sum.pass += control.pass;
    sum.fail += control.fail;
    sum.waived += control.waived;
    sum.unknown += control.unknown + control.unreported;
  }
  Value::List bars;
  for (size_t i = 0; i < sums.size(); ++i) {
    const Sum& sum = sums[i];
    const double all = sum.pass + sum.fail + sum.waived + sum.unknown;
    if (all == 0) continue;
    bars.emplace_back(Value::Fields{
        {"title", GroupTitle(groups.words()[i], words)},
        {"bar", Bar({{"u", sum.unknown},
                     {"f3", sum.fail},
                     {"w", sum.waived},
                     {"p", sum.pass}})},
        {"judged",
         fmt::format("{:.0f} %", std::floor(100 * (all - sum.unknown) / all))},
        {"is_blind", sum.unknown > 0},
        {"note", words.Say("fail {:.0f}, unknown {:.0f}, of {:.0f}",
                           "不適合 {:.0f}、判定不能 {:.0f}、全 {:.0f}",
                           sum.fail, sum.unknown, all)}});
  }
  const bool any = !bars.empty();
  return Value::Fields{{"any_bar", any}, {"bars", std::move(bars)}};
}

}  // namespace metsuke
