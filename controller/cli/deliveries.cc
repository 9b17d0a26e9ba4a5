// metsukectl report deliveries and report send: whom reports reached.

#include "controller/cli/deliveries.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "proto/command_line.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string day, recipient;
};

void PrintDeliveries(const Session& session, const Item& items) {
  Print(session, "Delivery", items,
        {{"day", "DAY"},
         {"recipient", "RECIPIENT"},
         {"address", "ADDRESS"},
         {"state", "STATE"},
         {"attempts", "TRIES", true},
         {"tried", "LAST TRY"},
         {"next", "NEXT TRY"},
         {"error", "ERROR"}});
}

absl::StatusOr<int> List(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::DeliveriesRequest request;
  request.set_day(options.day);
  grpc::ClientContext context;
  const auto stream = stub->ListDeliveries(&context, request);
  Item items = Item::array();
  bool failed = false;
  v1::DeliveriesReply reply;
  while (stream->Read(&reply))
    for (const v1::Delivery& delivery : reply.deliveries()) {
      items.push_back(ToItem(delivery));
      failed = failed ||
               (delivery.state() == "waiting" && delivery.attempts() > 0) ||
               (delivery.state() == "given up" && !options.day.empty());
    }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (items.empty() && ForPeople(session)) {
    fmt::print(stderr,
               "metsukectl: no report was put on its way; delivery.yaml on the "
               "controller says who gets them\n");
    return kCompliant;
  }
  PrintDeliveries(session, items);
  return session.exit_zero || !failed ? kCompliant : kIncomplete;
}

absl::StatusOr<int> Send(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::SendRequest request;
  request.set_day(options.day);
  request.set_recipient(options.recipient);
  grpc::ClientContext context;
  v1::SendReply reply;
  RETURN_IF_ERROR(FromCall(stub->SendReport(&context, request, &reply)));
  Item items = Item::array();
  for (const v1::Delivery& delivery : reply.deliveries())
    items.push_back(ToItem(delivery));
  PrintDeliveries(session, items);
  if (ForPeople(session))
    fmt::print(stderr,
               "metsukectl: on its way; metsukectl report deliveries tells "
               "whether it arrived\n");
  return kCompliant;
}

}  // namespace

void AddDeliveries(CommandLine& report, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& list = report.Command(
      "deliveries", "Whom the reports of the nights went to, and what waits",
      [&session, options] {
        session.run = [&session, options] { return List(session, *options); };
      });
  list.Option("--day", options->day, "Of one night: 2026-11-23, or last");
  CommandLine& send = report.Command(
      "send", "Puts the report of a night on its way to a recipient once more",
      [&session, options] {
        session.run = [&session, options] { return Send(session, *options); };
      });
  send.Word("day", options->day, "The night: 2026-11-23, or last").Required();
  send.Word("recipient", options->recipient,
            "Name of the recipient in delivery.yaml")
      .Required();
}

}  // namespace metsuke::cli
