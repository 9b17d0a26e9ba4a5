#include "controller/cli/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "proto/encode.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke::cli {
namespace {

// Rows of evidence shown to people; programs get all that were sent.
constexpr int kRows = 10;

Item FindingItem(const Session& session, const v1::Finding& finding) {
  Item item = ToItem(finding);
  item["title"] = InLanguage(session, finding.title());
  item["evidence_omitted"] = finding.evidence().omitted();
  return item;
}

void PrintEvidence(const v1::RowSet& rows) {
  const Item items = ToItems(rows);
  for (size_t i = 0; i < items.size() && i < kRows; ++i)
    fmt::print("      {}\n", CellText(items[i]));
  if (items.size() > kRows)
    fmt::print("      … and {} more; -o json prints them\n",
               items.size() - kRows);
  if (rows.omitted())
    fmt::print("      … and {} more that were not kept\n", rows.omitted());
}

void PrintWaiver(const Session& session, const v1::Finding& finding) {
  const std::string until = InstantText(finding.waived_until());
  const std::string approver = enc::Tty(HostText(finding.waiver_approver()));
  v1::Text line;
  line.set_en(fmt::format("waived until {}, approved by {} ({})", until,
                          approver, finding.waiver()));
  line.set_ja(fmt::format("{} まで免除、承認者 {} ({})", until, approver,
                          finding.waiver()));
  fmt::print("      {}: {}\n", InLanguage(session, line),
             enc::Tty(HostText(finding.waiver_reason())));
}

void PrintFinding(const Session& session, const v1::Finding& finding) {
  const auto* verdict =
      v1::Verdict_descriptor()->FindValueByNumber(finding.verdict());
  const auto* severity =
      v1::Severity_descriptor()->FindValueByNumber(finding.severity());
  fmt::print("{:<8} {:<9} {}  {}  [{}]\n", EnumText(verdict),
             EnumText(severity), finding.control(),
             InLanguage(session, finding.title()),
             fmt::join(finding.statements(), " "));
  if (!finding.reason().empty())
    fmt::print("      {}\n", enc::Tty(HostText(finding.reason())));
  if (!finding.waiver().empty()) PrintWaiver(session, finding);
  PrintEvidence(finding.evidence());
  if (!finding.advice().empty()) fmt::print("      → {}\n", finding.advice());
}

// Failed first, then unknown, then waived; within them the worst severity
// first.
int Rank(const v1::Finding& finding) {
  const int verdict = !finding.waiver().empty()                  ? 20
                      : finding.verdict() == v1::VERDICT_FAIL    ? 0
                      : finding.verdict() == v1::VERDICT_UNKNOWN ? 10
                                                                 : 30;
  return verdict - finding.severity();
}

std::string ScoreText(double score) {
  return score < 0 ? "-" : fmt::format("{:.1f}", score);
}

void PrintForPeople(const Session& session, const v1::HostPosture& host,
                    std::vector<v1::Finding> findings) {
  std::stable_sort(findings.begin(), findings.end(),
                   [](const auto& a, const auto& b) { return Rank(a) < Rank(b); });
  for (const v1::Finding& finding : findings)
    if (finding.verdict() == v1::VERDICT_FAIL ||
        finding.verdict() == v1::VERDICT_UNKNOWN ||
        session.output == "wide")
      PrintFinding(session, finding);
  fmt::print(
      "\n{}: score {}{}, coverage {:.0f} %; {} failed{}, {} unknown, {} "
      "passed, "
      "{} not applicable{}\n",
      enc::Tty(HostText(host.host())), ScoreText(host.score()),
      host.waived() == 0 ? ""
                         : fmt::format(" ({} without waivers)",
                                       ScoreText(host.score_without_waivers())),
      host.coverage(), host.fail(),
      host.waived() == 0 ? ""
                         : fmt::format(", {} of them waived", host.waived()),
      host.unknown(), host.pass(), host.not_applicable(),
      host.stale() ? "; STALE: last seen " + InstantText(host.last_seen())
                   : "");
}

}  // namespace

Item FindingItems(const Session& session,
                  const std::vector<v1::Finding>& findings) {
  Item items = Item::array();
  for (const v1::Finding& finding : findings)
    items.push_back(FindingItem(session, finding));
  return items;
}

void PrintFindings(const Session& session, const v1::HostPosture& host,
                   const std::vector<v1::Finding>& findings) {
  if (ForPeople(session)) return PrintForPeople(session, host, findings);
  Print(session, "Finding", FindingItems(session, findings), {});
}

int CodeOf(const Session& session, const v1::HostPosture& host,
           const std::vector<v1::Finding>& findings) {
  v1::Severity worst = v1::SEVERITY_UNSPECIFIED;
  bool incomplete = host.stale() || findings.empty();
  for (const v1::Finding& finding : findings) {
    if (finding.verdict() == v1::VERDICT_FAIL && finding.waiver().empty())
      worst = std::max(worst, finding.severity());
    incomplete |= finding.verdict() == v1::VERDICT_UNKNOWN;
  }
  return CodeFor(session, worst, incomplete);
}

void AddAdvice(const Session& session, const v1::Baseline& baseline,
               std::vector<v1::Finding>& findings) {
  std::map<std::string, std::string> fixes;
  for (const v1::Control& control : baseline.controls())
    fixes[control.id()] = InLanguage(session, control.fix());
  for (v1::Finding& finding : findings)
    if (finding.verdict() == v1::VERDICT_FAIL)
      finding.set_advice(fixes[finding.control()]);
}

absl::Status AddAdvice(const Session& session, v1::Operator::Stub& stub,
                       std::vector<v1::Finding>& findings) {
  grpc::ClientContext context;
  v1::BaselineReply reply;
  RETURN_IF_ERROR(FromCall(stub.GetBaseline(&context, {}, &reply)));
  AddAdvice(session, reply.baseline(), findings);
  return absl::OkStatus();
}

}  // namespace metsuke::cli
