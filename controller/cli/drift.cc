// metsukectl drift: what changed between two instants, row by row.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/drift/change_line.h"
#include "controller/cli/items.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string host, selector, since, from, to;
};

std::string Shown(const std::string& text) { return enc::Tty(HostText(text)); }

absl::StatusOr<int> Drift(const Session& session, const Options& options) {
  v1::DriftRequest request;
  request.set_host(options.host);
  request.set_selector(options.selector);
  ASSIGN_OR_RETURN(const int64_t from,
                   ParseInstant(options.from.empty() ? options.since
                                                     : options.from));
  request.set_from(from);
  ASSIGN_OR_RETURN(const int64_t to, ParseInstantOrNone(options.to));
  request.set_to(to);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->Drift(&context, request);
  v1::DriftReply reply;
  Item items = Item::array();
  std::string host, table;
  uint64_t count = 0, incomplete = 0, hosts = 0;
  while (stream->Read(&reply)) {
    hosts = reply.hosts();
    for (const std::string& reason : reply.incomplete()) {
      ++incomplete;
      std::fprintf(stderr, "metsukectl: not seen: %s\n",
                   Shown(reason).c_str());
    }
    for (const v1::Change& change : reply.changes()) {
      ++count;
      if (!ForPeople(session)) {
        items.push_back(ToItem(change));
        continue;
      }
      if (change.host() != host) fmt::print("{}\n", Shown(change.host()));
      if (change.host() != host || change.table() != table)
        fmt::print("  {}\n", change.table());
      host = change.host();
      table = change.table();
      fmt::print("    {}\n", enc::Tty(ChangeLine(change)));
    }
  }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (!ForPeople(session))
    Print(session, "Change", items, {});
  else if (count == 0 && hosts != 0)
    fmt::print("nothing changed since {}\n", InstantText(from));
  if (hosts == 0) SayNoHost(options.selector);
  return CodeFor(session, v1::SEVERITY_UNSPECIFIED,
                 incomplete != 0 || hosts == 0);
}

}  // namespace

void AddDrift(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  options->since = "24h";
  CommandLine& command = line.Command(
      "drift", "What changed between two instants, row by row",
      [&session, options] {
        session.run = [&session, options] { return Drift(session, *options); };
      });
  command.Word("host", options->host, "Name or id of one host");
  command.Option("-l,--selector", options->selector,
                 "Labels the hosts must have: key=value,key");
  command
      .Option("--since", options->since,
              "From when: RFC 3339, a day, or a time ago such as 24h")
      .ShowDefault();
  command.Option("--from", options->from, "The same as --since");
  command.Option("--to", options->to, "Until when (default: now)");
}

}  // namespace metsuke::cli
