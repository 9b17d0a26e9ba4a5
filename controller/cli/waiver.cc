// metsukectl waiver: what may fail for a while.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string id, control, selector, host, reason, approver, from, until,
      ending;
  uint32_t days = 0;
  bool all = false;
};

// Of waivers that were listed their state is known.
void PrintWaivers(const Session& session, Item items, bool listed) {
  for (Item& item : items) {
    if (!ForPeople(session)) continue;
    const bool labels = !item["selector"].get<std::string>().empty();
    const bool named = !item.value("host_name", "").empty();
    item["where"] = item[labels ? "selector" : named ? "host_name" : "host"];
  }
  std::vector<Column> columns = {{"id", "WAIVER"},
                                 {"control", "CONTROL"},
                                 {"where", "WHERE"},
                                 {"from", "FROM", false, true},
                                 {"until", "UNTIL"},
                                 {"requester", "REQUESTER"},
                                 {"approver", "APPROVER"},
                                 {"reason", "REASON"}};
  if (listed) columns.insert(columns.begin() + 3, {"state", "STATE"});
  Print(session, "Waiver", items, columns);
}

absl::StatusOr<int> Add(const Session& session, const Options& options) {
  v1::AddWaiverRequest request;
  v1::Waiver& waiver = *request.mutable_waiver();
  waiver.set_control(options.control);
  waiver.set_selector(options.selector);
  waiver.set_host(options.host);
  waiver.set_reason(options.reason);
  waiver.set_approver(options.approver);
  request.set_days(options.days);
  ASSIGN_OR_RETURN(const int64_t from, ParseInstantOrNone(options.from));
  waiver.set_from(from);
  ASSIGN_OR_RETURN(const int64_t until, ParseInstantOrNone(options.until));
  waiver.set_until(until);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::AddWaiverReply reply;
  RETURN_IF_ERROR(FromCall(stub->AddWaiver(&context, request, &reply)));
  PrintWaivers(session, Item::array({ToItem(reply.waiver())}), false);
  if (!waiver.selector().empty()) WarnOfNoHost(*stub, {waiver.selector()});
  return kCompliant;
}

absl::StatusOr<int> List(const Session& session, const Options& options) {
  v1::WaiversRequest request;
  request.set_all(options.all);
  if (!options.ending.empty()) {
    // "14d" is a time ago everywhere else, and as long ahead here.
    const auto time = ParseInstant(options.ending);
    if (!time.ok())
      return absl::InvalidArgumentError(
          "--ending " + options.ending +
          ": write within which time they end, such as 14d or 12h, or by which "
          "day, such as 2026-12-31");
    const int64_t instant = *time;
    const int64_t now = std::time(nullptr);
    request.set_ending(
        std::max<int64_t>(instant > now ? instant - now : now - instant, 1));
  }
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->ListWaivers(&context, request);
  Item items = Item::array();
  v1::WaiversReply reply;
  while (stream->Read(&reply))
    for (const v1::WaiverEntry& entry : reply.waivers())
      items.push_back(ToItem(entry));
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  PrintWaivers(session, items, true);
  return kCompliant;
}

absl::StatusOr<int> End(const Session& session, const Options& options) {
  v1::EndWaiverRequest request;
  request.set_id(options.id);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::EndWaiverReply reply;
  RETURN_IF_ERROR(FromCall(stub->EndWaiver(&context, request, &reply)));
  PrintWaivers(session, Item::array({ToItem(reply.waiver())}), false);
  return kCompliant;
}

}  // namespace

void AddWaiver(CommandLine& line, Session& session) {
  CommandLine& parent =
      line.Command("waiver", "Failures that are permitted for a while");
  parent.RequireCommand();
  const auto options = std::make_shared<Options>();
  const auto command = [&](const char* name, const char* help,
                           auto handler) -> CommandLine& {
    return parent.Command(name, help, [&session, options, handler] {
      session.run = [&session, options, handler] {
        return handler(session, *options);
      };
    });
  };
  CommandLine& add = command(
      "add", "Permit a control to fail; another than you must have agreed",
      Add);
  add.Word("control", options->control, "Id of the control").Required();
  add.Option("-l,--selector", options->selector,
             "Labels of the hosts it may fail on: key=value,key");
  add.Option("--host", options->host, "The one host it may fail on");
  add.Option("--reason", options->reason, "Why it may fail").Required();
  add.Option("--approver", options->approver, "Who agreed").Required();
  add.Option("--days", options->days, "How many days it lasts");
  add.Option("--until", options->until,
             "Before when it ends: RFC 3339, or a day, from its midnight here on");
  add.Option("--from", options->from,
             "From when on: RFC 3339, or a day (default: now)");
  CommandLine& list =
      command("list", "Waivers, those that end first come first", List);
  list.Option("--ending", options->ending,
              "Only those in force that end within this time, such as 14d");
  list.Flag("--all", options->all, "Those that have ended as well");
  command("end", "End a waiver now", End)
      .Word("waiver", options->id, "Id of the waiver")
      .Required();
}

}  // namespace metsuke::cli
