#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "controller/page/labels.h"
#include "controller/page/view_parts.h"

namespace metsuke {
namespace {

// Names of controls beside hosts, over all lines; a fleet in which every host
// is another would have too many to read.
constexpr size_t kMostNamed = 2000;
constexpr int kMostRows = 12;

v1::Severity SeverityOf(const Page& page, size_t control) {
  return page.controls[control].control.severity();
}

// How one group of controls came out on hosts that stand alike.
struct Cell {
  uint32_t fail = 0, unknown = 0, waived = 0, pass = 0;
  v1::Severity worst = v1::SEVERITY_UNSPECIFIED;

  void Add(Outcome outcome, v1::Severity severity) {
    fail += outcome == Outcome::kFail;
    unknown += outcome == Outcome::kUnknown;
    waived += outcome == Outcome::kWaived;
    pass += outcome == Outcome::kPass;
    if (outcome == Outcome::kFail) worst = std::max(worst, severity);
  }

  // The worst that can be said, by a sign as well as by a class.
  Value::Fields View(const Words& words) const {
    if (fail > 0)
      return {{"class", fmt::format("f{}", static_cast<int>(worst))},
              {"text", fmt::format("{}{}", fail, unknown > 0 ? "?" : "")}};
    if (unknown > 0) return {{"class", "u"}, {"text", "?"}};
    if (waived > 0) return {{"class", "w"}, {"text", words.Say("w", "例")}};
    return pass > 0 ? Value::Fields{{"class", "p"}, {"text", "·"}}
                    : Value::Fields{{"class", "n"}, {"text", ""}};
  }
};

Value::List CellsOf(const Page& page, const Groups& groups,
                    const AlikeHosts& alike, const Words& words) {
  std::vector<Cell> cells(groups.words().size());
  for (size_t i = 0; i < alike.outcomes.size(); ++i)
    cells[groups.Of(i)].Add(alike.outcomes[i], SeverityOf(page, i));
  Value::List views;
  for (const Cell& cell : cells) views.emplace_back(cell.View(words));
  return views;
}

// The controls that came out so, as links to where they are told.
Value::List Named(const Page& page, const AlikeHosts& alike, Outcome outcome) {
  Value::List named;
  for (size_t i = 0; i < alike.outcomes.size(); ++i)
    if (alike.outcomes[i] == outcome)
      named.emplace_back(
          Value::Fields{{"number", i}, {"id", page.controls[i].control.id()}});
  return named;
}

Value SightOf(const AlikeHosts& alike, const Words& words) {
  switch (alike.sight) {
    case AlikeHosts::Sight::kNew:
      return words.Say("has never reported", "報告なし");
    case AlikeHosts::Sight::kSilent:
      return words.Say("silent since {}", "{} から応答なし",
                       Local(alike.last_seen, "%Y-%m-%d %H:%M"));
    default:
      return false;
  }
}

bool IsBlind(const AlikeHosts& alike) {
  return alike.sight != AlikeHosts::Sight::kSeen || alike.score.unknown > 0;
}

Value::Fields LineOf(const Page& page, size_t number, const Words& words) {
  const AlikeHosts& alike = page.hosts[number];
  const bool judged =
      !page.baseline.empty() && alike.sight != AlikeHosts::Sight::kNew;
  Value::List names, labels;
  for (const std::string& name : alike.names) names.emplace_back(name);
  for (const std::string& label : alike.labels) labels.emplace_back(label);
  const size_t beyond = alike.names.size() - 1;
  return {{"number", number},
          {"name", alike.names[0]},
          {"beyond", beyond == 0 ? Value(false) : fmt::format("+{}", beyond)},
          {"names", std::move(names)},
          {"labels", std::move(labels)},
          {"sight", SightOf(alike, words)},
          {"score", !judged || alike.score.score < 0
                        ? std::string("–")
                        : fmt::format("{:.1f}", alike.score.score)},
          {"severity", static_cast<int>(alike.score.worst)},
          {"is_blind", IsBlind(alike)}};
}

// Numbers of hosts' lines on which the control failed or could not be judged,
// "3-9 12".
std::string LinesOf(const Page& page, size_t control) {
  std::string lines;
  size_t begin = 0, end = 0;  // the run that is open, if it is not empty
  const auto close = [&] {
    if (begin == end) return;
    lines += fmt::format("{}{}", lines.empty() ? "" : " ", begin);
    if (end - begin > 1) lines += fmt::format("-{}", end - 1);
  };
  for (size_t i = 0; i < page.hosts.size(); ++i) {
    if (page.hosts[i].outcomes[control] < Outcome::kWaived) continue;
    if (i != end) {
      close();
      begin = i;
    }
    end = i + 1;
  }
  close();
  return lines;
}

std::string TextOf(const v1::Cell& cell) {
  switch (cell.value_case()) {
    case v1::Cell::kText:
      return cell.text();
    case v1::Cell::kInteger:
      return std::to_string(cell.integer());
    case v1::Cell::kReal:
      return fmt::format("{}", cell.real());
    default:
      return "–";
  }
}

Value::List EvidenceOf(const PageControl& control, const Words& words) {
  Value::List rows;
  for (const v1::ReportRow& row : control.rows) {
    Value::List cells;
    const int count =
        std::min(row.cells_size(), static_cast<int>(control.columns.size()));
    for (int i = 0; i < count; ++i)
      cells.emplace_back(Value::Fields{{"key", control.columns[i]},
                                       {"value", TextOf(row.cells(i))}});
    // One row is on all the hosts, and tells of all.
    Value::Fields told =
        HostsOf(row.hosts(), control.rows.size() == 1 ? 100 : 6, words);
    told.emplace("cells", std::move(cells));
    rows.emplace_back(std::move(told));
  }
  return rows;
}

Value::List ReasonsOf(const PageControl& control, const Words& words) {
  Value::List reasons;
  for (const auto& [reason, hosts] : control.reasons) {
    Value::Fields told = HostsOf(hosts, 20, words);
    told.emplace("reason", reason);

    reasons.emplace_back(std::move(told));
  }
  return reasons;
}

Value SinceOf(const Page& page, const std::string& id, const Words& words) {
  for (const v1::ReportOpen& open : page.report.open())
    if (open.control() == id && open.since() > 0)
      return words.Say("fails since {} on {}", "{} から不適合 ({})",
                       Local(open.since(), "%Y-%m-%d"), open.oldest());
  return false;
}

Value::Fields ControlOf(const Page& page, size_t number, const Words& words) {
  const PageControl& told = page.controls[number];
  std::string statements;
  for (const std::string& statement : told.control.statements())
    statements += (statements.empty() ? "" : " ") + statement;
  const int severity = static_cast<int>(told.control.severity());
  Value::Fields view = HostsOf(told.failing, 100, words);
  view.insert({
      {"number", number},
      {"id", told.control.id()},
      {"title", words.In(told.control.title())},
      {"severity", severity},
      {"severity_name", words.Severity(told.control.severity())},
      {"is_blind", told.unknown > 0},
      {"on_lines", LinesOf(page, number)},
      {"fail", told.fail == 0 ? Value(false) : Value(told.fail)},
      {"waived", told.waived == 0 ? Value(false) : Value(told.waived)},
      {"unknown", told.unknown == 0 ? Value(false) : Value(told.unknown)},
      {"bar", Bar({{fmt::format("f{}", severity), told.fail},
                   {"u", told.unknown + told.unreported},
                   {"w", told.waived},
                   {"p", told.pass}})},
      {"why", words.In(told.control.why())},
      {"fix", words.In(told.control.fix())},
      {"statements", std::move(statements)},
      {"since", SinceOf(page, told.control.id(), words)},
      {"fails_somewhere", told.failing.count() > 0},
      {"many_rows", told.rows.size() != 1},
      {"evidence", EvidenceOf(told, words)},
      {"omitted", told.rows_omitted == 0
                      ? Value(false)
                      : words.Say("… and {} more rows", "… ほか {} 行",
                                  told.rows_omitted)},
      {"reasons", ReasonsOf(told, words)},
  });
  return view;
}

}  // namespace

Value HostsView(const Page& page, const Groups& groups, const Words& words) {
  Value::List titles, lines;
  for (const std::string& word : groups.words())
    titles.emplace_back(GroupTitle(word, words));
  size_t named = 0;
  for (size_t i = 0; i < page.hosts.size(); ++i) {
    const AlikeHosts& alike = page.hosts[i];
    Value::Fields line = LineOf(page, i, words);
    line.emplace("cells", CellsOf(page, groups, alike, words));
    Value::List fails = Named(page, alike, Outcome::kFail);
    // Of a host that never reported it is all of them.
    Value::List blind = alike.sight == AlikeHosts::Sight::kNew
                            ? Value::List()
                            : Named(page, alike, Outcome::kUnknown);
    named += fails.size() + blind.size();
    const bool told = named <= kMostNamed;
    line.emplace("any_fail", told && !fails.empty());
    line.emplace("fails", std::move(fails));
    line.emplace("any_unknown", told && !blind.empty());
    line.emplace("unknowns", std::move(blind));
    lines.emplace_back(std::move(line));
  }
  return Value::Fields{{"groups", std::move(titles)},
                       {"any_host", !lines.empty()},
                       {"any_untold", named > kMostNamed},
                       {"lines", std::move(lines)}};
}

Value ControlsView(const Page& page, const Words& words) {
  std::vector<size_t> order, passing;
  for (size_t i = 0; i < page.controls.size(); ++i) {
    const PageControl& control = page.controls[i];
    if (control.fail + control.waived + control.unknown > 0)
      order.push_back(i);
    // What was judged nowhere fails nowhere, too, and that says nothing.
    else if (control.pass + control.not_applicable > 0)
      passing.push_back(i);
  }
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) {
    const PageControl& control = page.controls[i];
    return std::tuple(control.fail > 0, control.control.severity(),
                      control.fail, control.unknown);
  });
  Value::List told, others;
  for (const size_t i : order) told.emplace_back(ControlOf(page, i, words));
  for (const size_t i : passing)
    others.emplace_back(
        Value::Fields{{"id", page.controls[i].control.id()},
                      {"title", words.In(page.controls[i].control.title())}});
  const bool all_seen =
      std::ranges::all_of(page.hosts, [](const AlikeHosts& alike) {
        return alike.sight == AlikeHosts::Sight::kSeen;
      });
  return Value::Fields{
      {"is_calm", told.empty() && !others.empty() && all_seen},
      {"any_control", !told.empty()},
      {"items", std::move(told)},
      {"any_passing", !others.empty()},
      {"passing_count", others.size()},
      {"others", std::move(others)}};
}

}  // namespace metsuke
