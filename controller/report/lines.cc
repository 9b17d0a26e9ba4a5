#include "controller/report/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>
#include <string_view>
#include <utility>

#include "controller/drift/change_line.h"
#include "controller/report/turn_groups.h"
#include "proto/text.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

std::string Number(const v1::Cell& cell) {
  return cell.value_case() == v1::Cell::kReal ? fmt::format("{}", cell.real())
                                              : std::to_string(cell.integer());
}

std::string CellText(const v1::Cell& cell) {
  switch (cell.value_case()) {
    case v1::Cell::kText:
      return cell.text();
    case v1::Cell::VALUE_NOT_SET:
      return "-";
    default:
      return Number(cell);
  }
}

class Writer {
 public:
  Writer(const v1::Report& report, Language language)
      : report_(report), words_(language) {}

  std::vector<ReportLine> Run();

 private:
  template <typename... Values>
  std::string Say(std::string_view en, std::string_view ja,
                  const Values&... values) const {
    return words_.Say(en, ja, values...);
  }
  void Line(LineKind kind, int indent, std::string text) {
    lines_.push_back(
        {.kind = kind, .indent = indent, .text = HostText(std::move(text))});
  }
  void Head(std::string_view en, std::string_view ja) {
    Line(LineKind::kHeading, 0, Say(en, ja));
  }

  std::string Points(double score) const {
    return score < 0 ? "-" : fmt::format("{:.1f}", score);
  }
  std::string Moment(int64_t instant) const {
    return Local(instant, "%m-%d %H:%M");
  }

  void Quiet();
  void Title();
  void Standing();
  void Unseen();
  void Turns(std::string_view en, std::string_view ja,
             const std::set<v1::Verdict>& into);
  void Turn(const v1::ReportTurn& turn);
  void Blinded(const TurnGroup& turns);
  void Rows(const google::protobuf::RepeatedPtrField<v1::ReportRow>& rows,
            const google::protobuf::RepeatedPtrField<std::string>& columns,
            uint32_t omitted, const char* added);
  void Causes(const google::protobuf::RepeatedPtrField<v1::ReportCause>& causes,
              int indent);
  void Moves();
  void Changes();
  void Scores();
  void Reaches();
  void Coming();
  void Open();
  void Decisions();
  void Noise();

  const v1::Report& report_;
  const Words words_;
  std::vector<ReportLine> lines_;
};

void Writer::Quiet() {
  const v1::ReportStanding& after = report_.after();
  Line(LineKind::kTitle, 0,
       Say("{} to {}: nothing changed on {}, and nothing is known to be "
           "missing; "
           "score {}, {} controls fail somewhere",
           "{} ～ {}: {} に変化なし、確認できなかったものもなし。スコア "
           "{}、不適合の項目 {}",
           Moment(report_.from()), Moment(report_.to()),
           (report_.host().empty() ? words_.Count(after.hosts())
                                   : report_.host()) +
               (report_.selector().empty() ? ""
                                           : " (" + report_.selector() + ")"),
           Points(after.score()), report_.open_size()));
}

void Writer::Title() {
  std::string about =
      report_.host().empty() ? report_.selector() : report_.host();
  if (!about.empty()) about = " · " + about;
  Line(LineKind::kTitle, 0,
       Say("Drift from {} to {}{}", "変化の報告 {} ～ {}{}",
           Local(report_.from(), "%Y-%m-%d %H:%M"),
           Local(report_.to(), "%Y-%m-%d %H:%M %Z"), about));
}

void Writer::Standing() {
  const v1::ReportStanding &before = report_.before(), &after = report_.after();
  std::string line = words_.Count(after.hosts());
  if (before.hosts() + after.hosts() == 0)
    return Line(LineKind::kBlind, 0,
                Say("no host matches: this tells of nothing",
                    "該当するサーバーがありません。この報告は何も示しません"));
  if (report_.baseline().empty()) {
    Line(
        LineKind::kPlain, 0,
        line + Say("; no baseline is in force: metsukectl baseline apply FILES",
                   "。ベースラインが未適用: metsukectl baseline apply FILES"));
    return;
  }
  const double change = after.score() - before.score();
  line += Say("; score {}", "。スコア {}", Points(after.score()));
  if (before.score() >= 0 && after.score() >= 0 && std::abs(change) >= 0.05)
    line += fmt::format(" ({:+.1f})", change);
  if (after.score() != after.score_without_waivers())
    line += Say(", without waivers {}", "、例外なしで {}",
                Points(after.score_without_waivers()));
  line +=
      Say(", coverage {:.0f} %; hosts with critical findings {}, high {}, "
          "medium {}, low {}; with unknown controls {}",
          "、確認率 {:.0f} %。緊急の不適合がある {} 台、高 {} 台、中 {} 台、"
          "低 {} 台、判定不能がある {} 台",
          after.coverage(), after.critical(), after.high(), after.medium(),
          after.low(), after.unknown());
  Line(change < -0.05  ? LineKind::kBad
       : change > 0.05 ? LineKind::kGood
                       : LineKind::kPlain,
       0, std::move(line));
}

void Writer::Unseen() {
  if (report_.unseen().empty()) return;
  Head("Not seen", "確認できなかったもの");
  for (const v1::ReportUnseen& unseen : report_.unseen())
    Line(unseen.fresh() ? LineKind::kBlind : LineKind::kMuted, 1,
         words_.Unseen(unseen));
  if (report_.unseen_omitted() > 0)
    Line(LineKind::kBlind, 1,
         Say("… and {} more", "… ほか {} 件", report_.unseen_omitted()));
}

void Writer::Causes(
    const google::protobuf::RepeatedPtrField<v1::ReportCause>& causes,
    int indent) {
  for (const v1::ReportCause& cause : causes)
    Line(LineKind::kMuted, indent,
         words_.Cause(cause) + (cause.hosts() > 1 || causes.size() > 1
                                    ? " (" + words_.Count(cause.hosts()) + ")"
                                    : ""));
}

void Writer::Rows(
    const google::protobuf::RepeatedPtrField<v1::ReportRow>& rows,
    const google::protobuf::RepeatedPtrField<std::string>& columns,
    uint32_t omitted, const char* added) {
  for (const v1::ReportRow& row : rows) {
    std::string line = row.gone() ? "-" : added;
    for (int i = 0; i < row.cells_size() && i < columns.size(); ++i)
      line += fmt::format(" {}={}", columns[i], CellText(row.cells(i)));
    Line(LineKind::kPlain, 2, line + "  " + words_.Hosts(row.hosts()));
  }
  if (omitted > 0)
    Line(LineKind::kMuted, 2,
         Say("… and {} more rows", "… ほか {} 行", omitted));
}

void Writer::Turn(const v1::ReportTurn& turn) {
  const bool worse = turn.after() == v1::VERDICT_FAIL;
  std::string line = fmt::format(
      "[{}] {} {}: {}, ", words_.Severity(turn.severity()), turn.control(),
      words_.In(turn.title()),
      turn.before() == turn.after()
          ? turn.unwaived() > 0 ? Say("the waiver ended", "例外の期限が切れた")
                                : Say("fails for more", "不適合が増えた")
          : words_.Verdict(turn.before()) + " → " +
                words_.Verdict(turn.after()));
  line += words_.Hosts(turn.hosts());
  if (turn.waived() > 0)
    line += Say(", waived on {}", "、うち例外 {} 台", turn.waived());
  Line(worse                                 ? LineKind::kBad
       : turn.after() == v1::VERDICT_PASS    ? LineKind::kGood
       : turn.after() == v1::VERDICT_UNKNOWN ? LineKind::kBlind
                                             : LineKind::kPlain,
       1, std::move(line));
  if (!turn.reason().empty()) Line(LineKind::kMuted, 2, turn.reason());
  Rows(turn.rows(), turn.columns(), turn.rows_omitted(), "+");
  Causes(turn.causes(), 2);
}

void Writer::Blinded(const TurnGroup& turns) {
  const v1::ReportTurn& first = *turns.front();
  Line(LineKind::kBlind, 1,
       Say("[{}] {} controls: {} → {}, {}", "[{}] {} 項目: {} → {}, {}",
           words_.Severity(first.severity()), turns.size(),
           words_.Verdict(first.before()), words_.Verdict(first.after()),
           words_.Hosts(first.hosts())));
  Line(LineKind::kMuted, 2, first.reason());
  std::vector<std::string_view> ids;
  for (const v1::ReportTurn* turn : turns) ids.push_back(turn->control());
  Line(LineKind::kPlain, 2, fmt::format("{}", fmt::join(ids, ", ")));
  Causes(first.causes(), 2);
}

void Writer::Turns(std::string_view en, std::string_view ja,
                   const std::set<v1::Verdict>& into) {
  const std::vector<TurnGroup> groups = GroupTurns(report_, into);
  if (!groups.empty()) Head(en, ja);
  for (const TurnGroup& group : groups)
    group.size() == 1 ? Turn(*group.front()) : Blinded(group);
}

void Writer::Moves() {
  if (report_.joined().count() + report_.removed().count() == 0) return;
  Head("Hosts", "サーバーの増減");
  if (report_.joined().count() > 0)
    Line(LineKind::kPlain, 1,
         Say("+ joined: {}", "+ 追加: {}", words_.Hosts(report_.joined())) +
             (report_.joined_worst() == v1::SEVERITY_UNSPECIFIED
                  ? ""
                  : Say("; worst finding {}", "、最も重い不適合: {}",
                        words_.Severity(report_.joined_worst()))));
  if (report_.removed().count() > 0)
    Line(LineKind::kPlain, 1,
         Say("- removed: {}", "- 削除: {}", words_.Hosts(report_.removed())));
}

void Writer::Changes() {
  if (report_.changes().empty()) return;
  Head("Changed", "変わったもの");
  std::string table;
  for (const v1::ReportChanges& group : report_.changes()) {
    if (group.table() != table)
      Line(LineKind::kPlain, 1,
           group.has_title() ? words_.In(group.title()) : group.table());
    table = group.table();
    Line(LineKind::kPlain, 2, words_.Hosts(group.hosts()));
    for (const v1::Change& change : group.changes())
      Line(LineKind::kPlain, 3, ChangeLine(change).raw());
    if (group.omitted() > 0)
      Line(LineKind::kMuted, 3,
           Say("… and {} more rows; metsukectl drift shows all",
               "… ほか {} 行 (metsukectl drift で全件)", group.omitted()));
    Causes(group.causes(), 3);
  }
}

void Writer::Scores() {
  if (report_.scores().empty()) return;
  Head("Scores", "スコアの増減");
  for (const v1::ReportScore& score : report_.scores())
    Line(score.after() < score.before() ? LineKind::kBad : LineKind::kGood, 1,
         fmt::format("{}  {:.1f} → {:.1f} ({:+.1f})", score.host(),
                     score.before(), score.after(),
                     score.after() - score.before()));
  if (report_.scores_omitted() > 0)
    Line(LineKind::kMuted, 1,
         Say("… and {} more hosts", "… ほか {} 台", report_.scores_omitted()));
}

void Writer::Reaches() {
  if (report_.reaches().empty()) return;
  Head("Logs that shrank", "さかのぼれる期間が短くなったログ");
  for (const v1::ReportReach& reach : report_.reaches()) {
    Line(LineKind::kBad, 1, words_.Reach(reach));
  }
  if (report_.reaches_omitted() > 0)
    Line(LineKind::kBad, 1,
         Say("… and {} more logs", "… ほか {} 件", report_.reaches_omitted()));
}

void Writer::Coming() {
  if (report_.coming().empty() && report_.waivers_ending().empty() &&
      report_.waivers_ended().empty())
    return;
  Head("Coming", "期限");
  for (const v1::Waiver& waiver : report_.waivers_ended())
    Line(LineKind::kBad, 1,
         Say("waiver {} of {} ended on {}", "例外 {} ({}) は {} に終わった",
             waiver.id(), waiver.control(),
             Local(waiver.until(), "%Y-%m-%d %H:%M")));
  for (const v1::Waiver& waiver : report_.waivers_ending())
    Line(LineKind::kPlain, 1,
         Say("waiver {} of {} ends on {}", "例外 {} ({}) は {} に終わる",
             waiver.id(), waiver.control(),
             Local(waiver.until(), "%Y-%m-%d %H:%M")));
  for (const v1::ReportComing& coming : report_.coming()) {
    Line(LineKind::kPlain, 1,
         fmt::format("{}: {}", words_.In(coming.title()),
                     words_.Hosts(coming.hosts())));
    Rows(coming.rows(), coming.columns(), coming.rows_omitted(), "·");
  }
}

void Writer::Open() {
  if (report_.open().empty()) return;
  Head("Open findings", "未解決の不適合");
  for (const v1::ReportOpen& open : report_.open())
    Line(LineKind::kPlain, 1,
         Say("[{}] {} {}: {}, since {} on {} ({} d)",
             "[{}] {} {}: {}、最古は {} から ({}、{} 日)",
             words_.Severity(open.severity()), open.control(),
             words_.In(open.title()), words_.Count(open.hosts().count()),
             Local(open.since(), "%Y-%m-%d"), open.oldest(),
             std::max<int64_t>(0, (report_.to() - open.since()) / kDay)));
}

void Writer::Decisions() {
  if (report_.decisions().empty()) return;
  Head("Decided", "運用者による変更");
  for (const v1::ReportDecision& decision : report_.decisions()) {
    Line(LineKind::kPlain, 1,
         Say("{} by {}, {}", "{} ({}、{})",
             decision.what() == "baseline"
                 ? "baseline " + decision.version().substr(0, 12)
                 : decision.what(),
             decision.by(), Moment(decision.time())));
    for (const v1::Change& change : decision.changes())
      Line(LineKind::kPlain, 2, ChangeLine(change).raw());
    if (decision.omitted() > 0)
      Line(LineKind::kMuted, 2,
           Say("… and {} more rows", "… ほか {} 行", decision.omitted()));
  }
}

void Writer::Noise() {
  uint64_t changes = 0;
  for (const v1::ReportNoise& noise : report_.noise())
    changes += noise.changes();
  if (changes > 0)
    Line(LineKind::kMuted, 0,
         Say("changes left out as noise, by the baseline's rules: {}",
             "ベースラインの規則により省いた変化: {} 件", changes));
}

std::vector<ReportLine> Writer::Run() {
  if (IsQuiet(report_)) {
    Quiet();
    return std::move(lines_);
  }
  Title();
  Standing();
  Unseen();
  Turns("Worse", "悪化", {v1::VERDICT_FAIL, v1::VERDICT_UNKNOWN});
  Moves();
  Changes();
  Reaches();
  Coming();
  Turns("Better", "改善", {v1::VERDICT_PASS});
  Turns("Applies no longer", "対象外になったもの",
        {v1::VERDICT_NOT_APPLICABLE});
  Scores();
  Open();
  Decisions();
  Noise();
  return std::move(lines_);
}

}  // namespace

bool IsQuiet(const v1::Report& report) {
  return report.after().hosts() > 0 && !report.baseline().empty() &&
         report.waivers_ended().empty() && report.unseen().empty() &&
         report.turns().empty() && report.changes().empty() &&
         report.scores().empty() && report.reaches().empty() &&
         report.coming().empty() && report.waivers_ending().empty() &&
         report.decisions().empty() && report.joined().count() == 0 &&
         report.removed().count() == 0;
}

std::vector<ReportLine> ReportLines(const v1::Report& report,
                                    Language language) {
  return Writer(report, language).Run();
}

}  // namespace metsuke
