// metsukectl posture: how the fleet stands, and how one host stands.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "controller/cli/findings.h"
#include "controller/cli/items.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "controller/cli/watch.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

// A controller that hangs must not look like one that has nothing to say.
constexpr std::chrono::minutes kPatience(2);

// Rows of the table for people; programs get every host.
constexpr uint32_t kShown = 100;

struct Options {
  std::string host, selector, at;
  bool advice = false, watch = false;
};

void WarnOfEnd(const v1::FleetPosture& fleet) {
  constexpr int64_t kWarnSeconds = 30 * 86400;
  if (fleet.certificate_until() != 0 &&
      fleet.certificate_until() - std::time(nullptr) < kWarnSeconds)
    fmt::print(stderr,
               "metsukectl: the controller's certificate ends on {}; its log "
               "says what to do\n",
               InstantText(fleet.certificate_until()));
}

void WarnOfWaivers(const v1::FleetPosture& fleet) {
  if (fleet.waivers_ending() != 0)
    fmt::print(stderr,
               "metsukectl: {} within 14 days; metsukectl waiver list --ending "
               "14d tells which\n",
               fleet.waivers_ending() == 1
                   ? "a waiver ends"
                   : fmt::format("{} waivers end", fleet.waivers_ending()));
}

void PrintFleet(const Session& session, const Item& items,
                const v1::FleetPosture& fleet) {
  WarnOfEnd(fleet);
  WarnOfWaivers(fleet);
  const bool no_waived = fleet.waived() == 0;
  Print(session, "HostPosture", items,
        {{"host", "HOST"},
         {"score", "SCORE", true},
         {"score_without_waivers", "UNWAIVED", true, no_waived},
         {"coverage", "COVERAGE", true},
         {"fail", "FAIL", true},
         {"unknown", "UNKNOWN", true},
         {"pass", "PASS", true, true},
         {"not_applicable", "N/A", true, true},
         {"waived", "WAIVED", true, no_waived},
         {"last_seen", "LAST SEEN", false, true},
         {"stale", "STALE"},
         {"worst", "WORST"},
         {"top_finding", "TOP FINDING"}});
  if (!ForPeople(session)) return;
  if (items.size() < fleet.hosts())
    fmt::print("… and {} more hosts; -o json prints all\n",
               fleet.hosts() - items.size());
  fmt::print(
      "\n{} hosts: {} critical, {} high, {} medium, {} low; {}{} with unknown "
      "controls, {} stale; baseline {}\n",
      fleet.hosts(), fleet.critical(), fleet.high(), fleet.medium(),
      fleet.low(),
      no_waived ? "" : fmt::format("{} with waived controls, ", fleet.waived()),
      fleet.unknown(), fleet.stale(),
      fleet.baseline().empty() ? "none: metsukectl baseline apply FILES"
                               : fleet.baseline().substr(0, 12));
}

v1::Severity Worst(const v1::FleetPosture& fleet) {
  if (fleet.critical()) return v1::SEVERITY_CRITICAL;
  if (fleet.high()) return v1::SEVERITY_HIGH;
  if (fleet.medium()) return v1::SEVERITY_MEDIUM;
  return fleet.low() ? v1::SEVERITY_LOW : v1::SEVERITY_UNSPECIFIED;
}

// The title goes behind the id, in one language.
Item HostItem(const Session& session, const v1::HostPosture& host) {
  Item item = ToItem(host);
  item.erase("top_title");
  if (!host.top_finding().empty())
    item["top_finding"] =
        host.top_finding() + " " + InLanguage(session, host.top_title());
  return item;
}

uint32_t Limit(const Session& session, const Options& options) {
  if (!ForPeople(session)) return 0;
  // The heading, the sums and what stands between.
  constexpr int kOtherRows = 7;
  const int rows = options.watch ? TerminalRows() - kOtherRows : kShown;
  return std::clamp<int>(rows, 1, kShown);
}

absl::StatusOr<Answer> Fleet(const Session& session, const Options& options,
                             int64_t at) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::PostureRequest request;
  request.set_selector(options.selector);
  request.set_at(at);
  request.set_limit(Limit(session, options));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto stream = stub->Posture(&context, request);
  std::vector<v1::HostPosture> hosts;
  v1::PostureReply reply;
  v1::FleetPosture fleet;
  while (stream->Read(&reply)) {
    hosts.insert(hosts.end(), reply.hosts().begin(), reply.hosts().end());
    if (reply.has_fleet()) fleet = reply.fleet();
  }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  std::ranges::stable_sort(hosts, {}, &v1::HostPosture::score);
  Item items = Item::array();
  for (const v1::HostPosture& host : hosts)
    items.push_back(HostItem(session, host));
  const bool incomplete = fleet.hosts() == 0 || fleet.stale() != 0 ||
                          fleet.unknown() != 0 || fleet.baseline().empty();
  Answer answer{.kind = "HostPosture", .items = items,
                .code = CodeFor(session, Worst(fleet), incomplete)};
  // A host is heard of all the time.
  for (Item& item : items) item.erase("last_seen");
  answer.essence = {items, ToItem(fleet)};
  answer.print = [&session, shown = answer.items, fleet,
                  selector = options.selector] {
    PrintFleet(session, shown, fleet);
    if (fleet.hosts() == 0) SayNoHost(selector);
  };
  return answer;
}

absl::StatusOr<Answer> OneHost(const Session& session, const Options& options,
                               int64_t at) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::PostureRequest posture;
  posture.set_host(options.host);
  posture.set_at(at);
  grpc::ClientContext posture_context;
  posture_context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto postures = stub->Posture(&posture_context, posture);
  v1::PostureReply host_reply;
  v1::HostPosture host;
  while (postures->Read(&host_reply))
    if (host_reply.hosts_size()) host = host_reply.hosts(0);
  RETURN_IF_ERROR(FromCall(postures->Finish()));

  v1::FindingsRequest request;
  request.set_host(options.host);
  request.set_at(at);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto stream = stub->Findings(&context, request);
  std::vector<v1::Finding> findings;
  v1::FindingsReply reply;
  while (stream->Read(&reply))
    findings.insert(findings.end(), reply.findings().begin(),
                    reply.findings().end());
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (options.advice) RETURN_IF_ERROR(AddAdvice(session, *stub, findings));
  const Item items = FindingItems(session, findings);
  return Answer{.kind = "Finding",
                .items = items,
                .essence = {items, host.stale()},
                .code = CodeOf(session, host, findings),
                .print = [&session, host, findings] {
                  PrintFindings(session, host, findings);
                }};
}

absl::StatusOr<int> Run(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const int64_t at, ParseInstantOrNone(options.at));
  const auto ask = [&] {
    return options.host.empty() ? Fleet(session, options, at)
                                : OneHost(session, options, at);
  };
  if (options.watch && at)
    return absl::InvalidArgumentError(
        "--watch looks at the present; leave out --at");
  if (options.watch) return Watch(session, ask);
  ASSIGN_OR_RETURN(const Answer answer, ask());
  answer.print();
  return answer.code;
}

}  // namespace

void AddPosture(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& command = line.Command(
      "posture", "How the fleet, or one host, stands against the baseline",
      [&session, options] {
        session.run = [&session, options] { return Run(session, *options); };
      });
  command.Word("host", options->host,
               "Name or id of a host: its findings with evidence");
  command.Option("-l,--selector", options->selector,
                 "Labels the hosts must have: key=value,key");
  command.Option(
      "--at", options->at,
      "The instant to look at: RFC 3339, a day, or a time ago such as 24h");
  command.Flag("--advice", options->advice,
               "With a host: what to do about each finding");
  command.Flag("--watch", options->watch,
               "Look every five seconds and show what changed: again and "
               "again on a terminal, a line each with -o jsonl");
}

}  // namespace metsuke::cli
