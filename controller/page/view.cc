#include "controller/page/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/page/labels.h"
#include "controller/page/view_parts.h"

namespace metsuke {
namespace {

std::string Points(double score) {
  return score < 0 ? "–" : fmt::format("{:.1f}", score);
}

// Everything a part of the report could not see, before anything else is told.
Value BlindView(const Page& page, const Words& words) {
  constexpr int kNamed = 6;  // as many as the sentence has
  Value::List lines;
  for (const v1::ReportUnseen& unseen : page.report.unseen()) {
    Value::Fields line = HostsOf(unseen.hosts(), 100, words);
    line.emplace("text", words.Unseen(unseen));
    line.emplace("is_fresh", unseen.fresh());
    line.emplace("more", unseen.hosts().names_size() > kNamed);
    lines.emplace_back(std::move(line));
  }
  const auto unknown = std::ranges::count_if(
      page.controls,
      [](const PageControl& control) { return control.unknown > 0; });
  const uint32_t omitted = page.report.unseen_omitted();
  return Value::Fields{
      {"is_calm", lines.empty() && unknown == 0 && !page.hosts.empty() &&
                      !page.baseline.empty()},
      {"lines", std::move(lines)},
      {"omitted", omitted == 0
                      ? Value(false)
                      : words.Say("… and {} more", "… ほか {} 件", omitted)},
      {"controls_blind",
       unknown == 0
           ? Value(false)
           : words.Say(unknown == 1
                           ? "{} control could not be judged on some hosts"
                           : "{} controls could not be judged on some hosts",
                       "判定できないサーバーがある項目: {} 件", unknown)}};
}

// Hosts without a failure that something could not be judged of.
uint32_t BlindHosts(const Page& page) {
  size_t blind = 0;
  for (const AlikeHosts& alike : page.hosts) {
    const auto has = [&](Outcome outcome) {
      return std::ranges::find(alike.outcomes, outcome) !=
             alike.outcomes.end();
    };
    if (!has(Outcome::kFail) &&
        (alike.sight != AlikeHosts::Sight::kSeen || has(Outcome::kUnknown)))
      blind += alike.names.size();
  }
  return static_cast<uint32_t>(blind);
}

// The four numbers that a reader looks for first.
Value FiguresView(const Page& page, const Words& words) {
  const v1::ReportStanding &before = page.report.before(),
                           &after = page.report.after();
  const uint32_t unseen = page.report.unseen_hosts();
  const double change = after.score() - before.score();
  std::string score_note;
  if (before.score() >= 0 && after.score() >= 0)
    score_note = std::abs(change) < 0.05
                     ? words.Say("as before", "変化なし")
                     : (change < 0 ? "▼ −" : "▲ +") +
                           fmt::format("{:.1f}", std::abs(change));
  if (after.score() != after.score_without_waivers())
    score_note += words.Say(" · {} without waivers", " · 例外なしで {}",
                            Points(after.score_without_waivers()));
  const uint32_t failing =
      after.critical() + after.high() + after.medium() + after.low();
  const uint32_t all = std::max(after.hosts(), failing);
  const uint32_t unsure = std::min(all - failing, BlindHosts(page));
  const bool judged = !page.baseline.empty() && after.hosts() > 0 &&
                      !page.report.baseline().empty();
  return Value::List{
      Value::Fields{
          {"label", words.Say("Not seen", "未確認")},
          {"value", unseen},
          {"note", words.Say("of {}", "/ {}", words.Count(after.hosts()))},
          {"class", unseen > 0 ? "blind" : "calm"},
          {"has_bar", false}},
      Value::Fields{{"label", words.Say("Score", "スコア")},
                    {"value", Points(after.score())},
                    {"note", score_note},
                    {"class", "calm"},
                    {"has_bar", false}},
      Value::Fields{
          {"label", words.Say("Coverage", "確認率")},
          {"value", judged
                        ? fmt::format("{:.0f} %", std::floor(after.coverage()))
                        : std::string("–")},
          {"note", words.Say("{} with unknown controls", "判定不能あり {}",
                             words.Count(after.unknown()))},
          {"class", after.unknown() > 0 || !judged ? "blind" : "calm"},
          {"has_bar", false}},
      Value::Fields{
          {"label", words.Say("Hosts with findings", "不適合のあるサーバー")},
          {"value", judged ? std::to_string(failing) : std::string("–")},
          {"note",
           words.Say("critical {} · high {} · medium {} · low {}",
                     "緊急 {} · 高 {} · 中 {} · 低 {}", after.critical(),
                     after.high(), after.medium(), after.low())},
          {"class", judged && (failing > 0 || unsure == 0) ? "calm" : "blind"},
          {"has_bar", judged},
          {"bar", Bar({{"f4", after.critical()},
                       {"f3", after.high()},
                       {"f2", after.medium()},
                       {"f1", after.low()},
                       {"u", unsure},
                       {"p", all - failing - unsure}})}}};
}

Value NoticesView(const Page& page, const Words& words) {
  Value::List notices;
  if (!page.complaint.empty())
    notices.emplace_back(words.Say(
        "The page's own template is broken, and this page is made "
        "from the built-in one: {}",
        "テンプレートに誤りがあるため、組み込みのテンプレートで作成した: "
        "{}",
        page.complaint));
  if (page.baseline.empty())
    notices.emplace_back(words.Say(
        "No baseline is in force, so nothing is judged: metsukectl "
        "baseline apply FILES",
        "ベースラインが未適用のため判定していない: metsukectl baseline "
        "apply FILES"));
  else if (page.report.baseline().empty())
    notices.emplace_back(words.Say(
        "No baseline was in force at the report's end: what changed was not "
        "judged, hosts and controls are by {}, which is in force now.",
        "報告の時点ではベースラインが未適用で、変化は判定していない。サーバーと"
        "項目は現在の {} で判定した。",
        page.baseline.substr(0, 12)));
  else if (page.report.baseline() != page.baseline)
    notices.emplace_back(words.Say(
        "What changed was judged by baseline {}, hosts and controls by {}, "
        "which is in force now.",
        "変化はベースライン {}、サーバーと項目は現在の {} で判定した。",
        page.report.baseline().substr(0, 12), page.baseline.substr(0, 12)));
  return notices;
}

}  // namespace

std::string Percent(double share) { return fmt::format("{:.2f}%", share); }

Value::List Bar(const std::vector<std::pair<std::string_view, double>>& parts) {
  double all = 0, at = 0;
  for (const auto& [name, part] : parts) all += part;
  Value::List bar;
  for (const auto& [name, part] : parts) {
    if (part <= 0) continue;
    bar.emplace_back(Value::Fields{{"class", std::string(name)},
                                   {"x", Percent(100 * at / all)},
                                   {"width", Percent(100 * part / all)}});
    at += part;
  }
  return bar;
}

Value::Fields HostsOf(const v1::ReportHosts& hosts, int most,
                      const Words& words) {
  Value::List names;
  const int shown = std::min(most, hosts.names_size());
  for (int i = 0; i < shown; ++i) names.emplace_back(hosts.names(i));
  const uint32_t rest = hosts.count() - static_cast<uint32_t>(shown);
  return {{"where", words.Count(hosts.count())},
          {"names", std::move(names)},
          {"rest", rest == 0 ? Value(false) : fmt::format("+{}", rest)}};
}

Value::Fields PageView(const Page& page, Language language) {
  const Words words(language);
  const Groups groups(page.controls);
  const v1::Report& report = page.report;
  const std::string& about =
      report.host().empty() ? report.selector() : report.host();
  return {
      {"lang", language == Language::kJapanese ? "ja" : "en"},
      {"title", words.Say("Fleet report", "サーバー監査報告")},
      {"period",
       words.Say("{} to {}", "{} ～ {}", Local(report.from(), "%Y-%m-%d %H:%M"),
                 Local(report.to(), "%Y-%m-%d %H:%M %Z"))},
      {"about", about.empty() ? Value(false) : Value(about)},
      {"baseline", page.baseline.empty()
                       ? Value(false)
                       : words.Say("Baseline {}", "ベースライン {}",
                                   page.baseline.substr(0, 12))},
      {"t", PageLabels(words)},
      {"notices", NoticesView(page, words)},
      {"figures", FiguresView(page, words)},
      {"blind", BlindView(page, words)},
      {"trend", TrendView(page, words)},
      {"drift", ChangesView(report, language)},
      {"fleet", HostsView(page, groups, words)},
      {"controls", ControlsView(page, words)},
      {"logs", LogsView(page, words)},
      {"coverage", CoverageView(page, groups, words)},
  };
}

}  // namespace metsuke
