// metsukectl host: the hosts of the fleet.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string host, selector;
  std::vector<std::string> labels;
};

absl::StatusOr<std::vector<v1::HostEntry>> Hosts(v1::Operator::Stub& stub,
                                                 const Options& options) {
  v1::HostsRequest request;
  request.set_selector(options.selector);
  request.set_host(options.host);
  grpc::ClientContext context;
  const auto stream = stub.ListHosts(&context, request);
  std::vector<v1::HostEntry> hosts;
  v1::HostsReply reply;
  while (stream->Read(&reply))
    hosts.insert(hosts.end(), reply.hosts().begin(), reply.hosts().end());
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  return hosts;
}

absl::StatusOr<int> List(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  ASSIGN_OR_RETURN(const auto hosts, Hosts(*stub, options));
  Item items = Item::array();
  for (const v1::HostEntry& host : hosts) items.push_back(ToItem(host));
  Print(session, "Host", items,
        {{"host", "HOST"},
         {"id", "ID", false, true},
         {"os_name", "SYSTEM"},
         {"last_seen", "LAST SEEN"},
         {"stale", "STALE"},
         {"lost_records", "LOST", true},
         {"agent_version", "AGENT", false, true},
         {"enrolled", "ENROLLED", false, true},
         {"address", "ADDRESS", false, true},
         {"last_knock", "LAST KNOCK", false, true},
         {"labels", "LABELS"}});
  return hosts.empty() ? CodeFor(session, v1::SEVERITY_UNSPECIFIED, true)
                       : kCompliant;
}

absl::StatusOr<int> Show(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  ASSIGN_OR_RETURN(const auto hosts, Hosts(*stub, options));
  if (hosts.empty())
    return absl::NotFoundError("no host is called " + options.host +
                               "; metsukectl host list shows them");
  v1::QueryRequest request;
  request.set_host(options.host);
  request.set_sql("SELECT * FROM host");
  grpc::ClientContext context;
  const auto stream = stub->Query(&context, request);
  v1::QueryReply reply;
  Item facts = Item::array();
  while (stream->Read(&reply))
    for (Item& item : ToItems(reply.rows())) facts.push_back(std::move(item));
  RETURN_IF_ERROR(FromCall(stream->Finish()));

  Item item = ToItem(hosts[0]);
  item["facts"] = facts.empty() ? Item::object() : facts[0];
  if (!ForPeople(session)) {
    Print(session, "Host", Item::array({item}), {});
    return kCompliant;
  }
  Item lines = Item::array();
  for (const auto& [key, value] : item.items())
    if (key != "facts") lines.push_back({{"key", key}, {"value", value}});
  for (const auto& [key, value] : item["facts"].items())
    if (key != "host") lines.push_back({{"key", key}, {"value", value}});
  Print(session, "Host", lines, {{"key", "FACT"}, {"value", "VALUE"}});
  return kCompliant;
}

absl::StatusOr<int> History(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::HistoryRequest request;
  request.set_host(options.host);
  grpc::ClientContext context;
  const auto stream = stub->History(&context, request);
  Item items = Item::array();
  v1::HistoryReply reply;
  while (stream->Read(&reply)) {
    for (const v1::Span& span : reply.spans()) items.push_back(ToItem(span));
    // What was lost belongs into the history where it happened.
    for (const v1::LossEntry& loss : reply.losses()) {
      Item item = ToItem(v1::Span());
      item["table"] = fmt::format("lost: records {} to {}: {}", loss.from(),
                                  loss.to(), loss.reason());
      item["since"] = ToItem(loss)["noticed"];
      items.push_back(std::move(item));
    }
    // So does when nothing was heard; before the first word there was no host.
    for (const v1::Silence& silence : reply.silences()) {
      if (silence.since() == 0) continue;
      Item item = ToItem(v1::Span());
      item["table"] = "silent";
      item["since"] = ToItem(silence)["since"];
      item["until"] = ToItem(silence)["until"];
      items.push_back(std::move(item));
    }
  }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  Print(session, "Span", items,
        {{"table", "TABLE"},
         {"since", "SINCE"},
         {"until", "UNTIL"},
         {"by", "BY"},
         {"digest", "DIGEST", false, true}});
  return kCompliant;
}

absl::StatusOr<int> Label(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::LabelRequest request;
  request.set_host(options.host);
  for (const std::string& label : options.labels) {
    if (label.find('=') != std::string::npos)
      request.add_set(label);
    else if (label.size() > 1 && label.back() == '-')
      request.add_remove(label.substr(0, label.size() - 1));
    else
      return absl::InvalidArgumentError(
          "label " + label + ": write key=value to set it, key- to remove it");
  }
  grpc::ClientContext context;
  v1::LabelReply reply;
  RETURN_IF_ERROR(FromCall(stub->LabelHost(&context, request, &reply)));
  Item items = Item::array();
  for (const std::string& label : reply.labels())
    items.push_back({{"label", label}});
  Print(session, "Label", items, {{"label", "LABEL"}});
  return kCompliant;
}

absl::StatusOr<int> Remove(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::RemoveRequest request;
  request.set_host(options.host);
  grpc::ClientContext context;
  v1::RemoveReply reply;
  RETURN_IF_ERROR(FromCall(stub->RemoveHost(&context, request, &reply)));
  Print(session, "Host", Item::array({ToItem(reply)}), {{"id", "REMOVED"}});
  return kCompliant;
}

using Handler = absl::StatusOr<int> (*)(const Session&, const Options&);

CommandLine& Add(CommandLine& parent, Session& session,
                 const std::shared_ptr<Options>& options, const char* name,
                 const char* help, Handler handler) {
  CommandLine& command =
      parent.Command(name, help, [&session, options, handler] {
        session.run = [&session, options, handler] {
          return handler(session, *options);
        };
      });
  if (std::string_view(name) != "list")
    command.Word("host", options->host, "Name or id of the host").Required();
  return command;
}

}  // namespace

void AddHost(CommandLine& line, Session& session) {
  CommandLine& host = line.Command("host", "The hosts of the fleet");
  host.RequireCommand();
  const auto options = std::make_shared<Options>();
  Add(host, session, options, "list", "All hosts", List)
      .Option("-l,--selector", options->selector,
              "Labels the hosts must have: key=value,key");
  Add(host, session, options, "show", "What is known of one host", Show);
  Add(host, session, options, "history",
      "When which table changed, and what was lost", History);
  Add(host, session, options, "label", "Set (key=value) or remove (key-) labels",
      Label)
      .Word("labels", options->labels, "key=value or key-")
      .Required();
  Add(host, session, options, "remove",
      "Take a host out of the fleet; its certificate is refused from then on",
      Remove);
}

}  // namespace metsuke::cli
