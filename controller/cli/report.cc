// metsukectl report: what changed in the fleet, why, and what could not be
// seen.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/cli/deliveries.h"
#include "controller/cli/items.h"
#include "controller/cli/report_request.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "controller/report/lines.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/report.pb.h"
#include "proto/status.h"

namespace metsuke::cli {

void AddExports(CommandLine& report, Session& session);

void AddReportHtml(CommandLine& report, Session& session);

namespace {

const char* ColorOf(LineKind kind) {
  switch (kind) {
    case LineKind::kTitle:
    case LineKind::kHeading:
      return "\x1b[1m";
    case LineKind::kBad:
      return "\x1b[31m";
    case LineKind::kGood:
      return "\x1b[32m";
    case LineKind::kBlind:
      return "\x1b[33m";
    case LineKind::kMuted:
      return "\x1b[2m";
    default:
      return "";
  }
}

void PrintLines(const Session& session, const v1::Report& report) {
  const bool color = Colored(session);
  const auto language =
      IsJapanese(session) ? Language::kJapanese : Language::kEnglish;
  for (const ReportLine& line : ReportLines(report, language)) {
    if (line.kind == LineKind::kHeading) fmt::print("\n");
    const char* const begin = color ? ColorOf(line.kind) : "";
    fmt::print("{}{:{}}{}{}\n", begin, "", 2 * line.indent, enc::Tty(line.text),
               *begin != '\0' ? "\x1b[0m" : "");
  }
}

// The worst of what fails now and did not, or fails for more than it did; all
// that fails on a host that joined is new.
v1::Severity WorstTurn(const v1::Report& report) {
  v1::Severity worst = report.joined_worst();
  for (const v1::ReportTurn& turn : report.turns())
    if (turn.after() == v1::VERDICT_FAIL &&
        turn.waived() < turn.hosts().count())
      worst = std::max(worst, turn.severity());
  return worst;
}

absl::StatusOr<v1::Report> Fetch(const Session& session,
                                 const ReportOptions& options) {
  ASSIGN_OR_RETURN(const v1::ReportRequest request, ToRequest(options));
  ASSIGN_OR_RETURN(const std::string bytes,
                   FetchReport(session, request, nullptr));
  v1::Report report;
  if (!report.ParseFromString(bytes))
    return absl::DataLossError("the controller sent no report");
  return report;
}

absl::StatusOr<int> Drift(const Session& session, const ReportOptions& options) {
  ASSIGN_OR_RETURN(const v1::Report report, Fetch(session, options));
  if (ForPeople(session))
    PrintLines(session, report);
  else
    Print(session, "Report", Item::array({ToItem(report)}), {});
  const bool none = report.before().hosts() + report.after().hosts() == 0;
  const bool blind =
      !report.unseen().empty() ||
      std::ranges::any_of(report.turns(), [](const v1::ReportTurn& turn) {
        return turn.after() == v1::VERDICT_UNKNOWN;
      });
  if (none) SayNoHost(options.selector);
  return CodeFor(session, WorstTurn(report), none || blind);
}

absl::StatusOr<int> List(const Session& session, const ReportOptions&) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->ListReports(&context, {});
  Item items = Item::array();
  v1::ReportsReply reply;
  while (stream->Read(&reply))
    for (const v1::ReportEntry& entry : reply.reports())
      items.push_back(ToItem(entry));
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (items.empty() && ForPeople(session)) {
    fmt::print(stderr,
               "metsukectl: no night has a report yet; metsukectl report drift "
               "makes one now\n");
    return kCompliant;
  }
  Print(session, "ReportEntry", items,
        {{"day", "DAY"},
         {"from", "FROM"},
         {"to", "TO"},
         {"hosts", "HOSTS", true},
         {"score", "SCORE", true},
         {"worse", "WORSE", true},
         {"better", "BETTER", true},
         {"unseen", "NOT SEEN", true}});
  return kCompliant;
}

}  // namespace

void AddReport(CommandLine& line, Session& session) {
  CommandLine& report = line.Command(
      "report", "What changed in the fleet, why, and what could not be seen");
  report.RequireCommand();
  const auto options = std::make_shared<ReportOptions>();
  CommandLine& drift = report.Command(
      "drift", "The report since the last night, of a night, or of any time",
      [&session, options] {
        session.run = [&session, options] { return Drift(session, *options); };
      });
  AddReportOptions(drift, *options);
  AddReportHtml(report, session);
  report.Command("list", "The nights that have a report", [&session, options] {
    session.run = [&session, options] { return List(session, *options); };
  });
  AddDeliveries(report, session);
  AddExports(report, session);
}

}  // namespace metsuke::cli
