// metsukectl ssh: who can get in over SSH, from where, by which method, and what
// the servers themselves say.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "controller/cli/query.h"
#include "controller/cli/session.h"
#include "controller/judge/network.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string host, selector, account, from, address;
  bool all = false, anyway = false;
};

// As a literal of SQL.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

// Of two networks that meet, one lies in the other.
std::string Meets(const std::string& network) {
  const std::string here = Quoted(network);
  return fmt::format(
      " AND CASE WHEN source = 'any' THEN listener LIKE '*:%' OR "
      "(listener LIKE '[%') = {} ELSE in_cidr(source, {}) OR "
      "in_cidr({}, source) END",
      network.find(':') != std::string::npos ? 1 : 0, here, here);
}

absl::StatusOr<int> Who(const Session& session, const Options& options) {
  if (!options.from.empty() && !ParseNetwork(options.from))
    return absl::InvalidArgumentError(fmt::format(
        "--from {}: an address such as 203.0.113.9 or a network such as "
        "10.0.0.0/8 is wanted",
        options.from));
  std::string sql = fmt::format(
      "SELECT account, source, listener, method, {}root, restrictions, why, "
      "daemon FROM ssh_access WHERE {}",
      options.all ? "usable, " : "", options.all ? "1" : "usable");
  if (!options.account.empty())
    sql += " AND account = " + Quoted(options.account);
  if (!options.from.empty()) sql += Meets(options.from);
  sql += " ORDER BY root DESC, account, method, listener, source";
  v1::QueryRequest request;
  request.set_sql(sql);
  request.set_host(options.host);
  request.set_selector(options.selector);
  return PrintQuery(session, "SshAccess", request);
}

// The answers of one host, and to standard error why there are none.
void AddAnswers(const v1::ProbedHost& host, Item& items) {
  if (!host.error().empty())
    fmt::print(stderr, "metsukectl: {}: {}\n", enc::Tty(HostText(host.host())),
               enc::Tty(HostText(host.error())));
  for (const v1::SshEndpoint& endpoint : host.endpoints()) {
    Item item{{"host", host.host()}};
    item.update(ToItem(endpoint));
    items.push_back(std::move(item));
  }
}

absl::StatusOr<int> Probe(const Session& session, const Options& options) {
  v1::ProbeRequest request;
  request.set_host(options.host);
  request.set_selector(options.selector);
  request.set_address(options.address);
  request.set_anyway(options.anyway);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto reader = stub->ProbeSsh(&context, request);
  Item items = Item::array();
  bool asked = false, incomplete = false;
  for (v1::ProbeReply reply; reader->Read(&reply);)
    for (const v1::ProbedHost& host : reply.hosts()) {
      asked = true;
      incomplete |= !host.error().empty();
      AddAnswers(host, items);
    }
  RETURN_IF_ERROR(FromCall(reader->Finish()));
  Print(session, "SshEndpoint", items,
        {{"host", "HOST"},
         {"listener", "LISTENER"},
         {"address", "ADDRESS"},
         {"account", "ACCOUNT"},
         {"outcome", "OUTCOME"},
         {"methods", "METHODS"},
         {"software", "SOFTWARE"},
         {"message", "MESSAGE"},
         {"source", "SOURCE", false, true},
         {"host_key", "HOST KEY", false, true}});
  if (!asked) fmt::print(stderr, "metsukectl: no host matches\n");
  return asked && !incomplete ? kCompliant : kIncomplete;
}

}  // namespace

void AddSsh(CommandLine& line, Session& session) {
  CommandLine& ssh = line.Command("ssh", "Who can get in over SSH");
  ssh.RequireCommand();
  const auto options = std::make_shared<Options>();
  CommandLine& who = ssh.Command(
      "who", "The ways in: account, source, listener, method, and why",
      [&session, options] {
        session.run = [&session, options] { return Who(session, *options); };
      });
  who.Word("host", options->host, "Name or id of one host; all without it");
  who.Option("-l,--selector", options->selector,
             "Labels the hosts must have: key=value,key");
  who.Option("--account", options->account, "Ways of this account only");
  who.Option("--from", options->from,
             "Ways from this address, or from somewhere in this network");
  who.Flag("--all", options->all,
           "Also what sshd's configuration would allow to accounts that lack "
           "what it takes");

  CommandLine& probe = ssh.Command(
      "probe",
      "Have the controller knock at the SSH servers and keep what they answer",
      [&session, options] {
        session.run = [&session, options] { return Probe(session, *options); };
      });
  probe.Word("host", options->host, "Name or id of one host; all without it");
  probe.Option("-l,--selector", options->selector,
               "Labels the hosts must have: key=value,key");
  probe.Option("--address", options->address,
               "IP address to reach the one host at from now on, where it is not "
               "one of its interfaces; 'own' goes back to those");
  probe.Flag("--anyway", options->anyway,
             "Also hosts of which more than four servers would have been asked "
             "within ten minutes, which may shut the controller out");
}

}  // namespace metsuke::cli
