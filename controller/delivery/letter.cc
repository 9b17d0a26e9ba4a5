#include "controller/delivery/letter.h"

#include <fmt/format.h>

#include <cmath>
#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "controller/item.h"
#include "controller/report/calendar.h"
#include "controller/report/lines.h"
#include "controller/report/report.h"
#include "proto/encode.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

namespace mustache = kainjow::mustache;

// Mail programs drop style sheets, so each element has its own.
constexpr char kMailPage[] =
    R"(<!DOCTYPE html>
<html lang="{{language}}"><head><meta charset="utf-8"><title>{{title}}</title></head>
<body style="margin:0;padding:16px;font:14px/1.5 'Helvetica Neue',Arial,'Hiragino Sans','Noto Sans CJK JP',Meiryo,sans-serif;color:#1d2430;background:#ffffff">
{{#lines}}<div style="{{style}};padding-left:{{indent}}px">{{text}}</div>
{{/lines}}</body></html>
)";

// Each is told apart by more than its colour: by its heading or its sign.
const char* StyleOf(LineKind kind) {
  switch (kind) {
    case LineKind::kTitle:
      return "font-size:18px;font-weight:bold;margin-bottom:4px";
    case LineKind::kHeading:
      return "font-weight:bold;margin-top:16px;border-bottom:1px solid #d5d9e0";
    case LineKind::kBad:
      return "color:#a3161c";
    case LineKind::kGood:
      return "color:#17652e";
    case LineKind::kBlind:
      return "color:#8a4b00";
    case LineKind::kMuted:
      return "color:#5a6372";
    case LineKind::kPlain:
      break;
  }
  return "color:#1d2430";
}

std::string Indented(const ReportLine& line) {
  return std::string(2 * line.indent, ' ') + enc::Tty(line.text);
}

}  // namespace

HostText Headline(const v1::Report& report, Language language) {
  const Words words(language);
  const v1::ReportEntry entry = EntryOf(report);
  std::string line =
      report.day().empty() ? LocalDay(report.to()) : report.day();
  line += ": " + words.Count(entry.hosts());
  if (!report.selector().empty()) line += " (" + report.selector() + ")";
  if (entry.score() >= 0) {
    line += words.Say(", score {:.1f}", "、スコア {:.1f}", entry.score());
    const double change = report.after().score() - report.before().score();
    if (report.before().score() >= 0 && std::abs(change) >= 0.05)
      line += fmt::format(" ({:+.1f})", change);
  }
  if (entry.unseen() > 0)
    line += words.Say(", {} not fully seen", "、確認できないもの {} 台",
                      entry.unseen());
  if (entry.worse() > 0)
    line += words.Say(", {} worse", "、悪化 {}", entry.worse());
  if (entry.better() > 0)
    line += words.Say(", {} better", "、改善 {}", entry.better());
  if (IsQuiet(report)) line += words.Say(", nothing changed", "、変化なし");
  return HostText(std::move(line));
}

std::string PlainText(const v1::Report& report, Language language) {
  std::string text = enc::Tty(Headline(report, language)) + "\n\n";
  for (const ReportLine& line : ReportLines(report, language)) {
    if (line.kind == LineKind::kHeading) text += '\n';
    text += Indented(line) + '\n';
  }
  return text;
}

std::string MailHtml(const v1::Report& report, Language language) {
  mustache::mustache page(kMailPage);
  page.set_custom_escape(
      [](const std::string& text) { return enc::Html(HostText(text)); });
  mustache::data lines(mustache::data::type::list);
  for (const ReportLine& line : ReportLines(report, language)) {
    mustache::data item;
    item.set("style", StyleOf(line.kind));
    item.set("indent", std::to_string(20 * line.indent));
    item.set("text", line.text.raw());
    lines.push_back(std::move(item));
  }
  mustache::data whole;
  whole.set("language", language == Language::kJapanese ? "ja" : "en");
  whole.set("title", Headline(report, language).raw());
  whole.set("lines", std::move(lines));
  return page.render(whole);
}

std::string ReportJson(const v1::Report& report) {
  return ToJson({{"kind", "Report"}, {"items", {ToItem(report)}}});
}

std::string ChatText(const v1::Report& report, Language language, size_t most,
                     std::string (*quoted)(std::string line)) {
  std::string text;
  const std::vector<ReportLine> lines = ReportLines(report, language);
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string line = Indented(lines[i]);
    // One long line must not hide those after it.
    constexpr size_t kLongest = 1000;
    if (line.size() > kLongest)
      line = std::string(Utf8Prefix(line, kLongest)) + "…";
    line = quoted(std::move(line));
    if (text.size() + line.size() > most) {
      text += Words(language).Say(
          "… and {} more lines: metsukectl report drift --day {}",
          "… ほか {} 行: metsukectl report drift --day {}", lines.size() - i,
          report.day());
      break;
    }
    text += line + '\n';
  }
  return text;
}

}  // namespace metsuke
