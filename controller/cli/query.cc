// metsukectl query: rows that a SELECT returns on each host.

#include "controller/cli/query.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string sql, reduce, selector, host, at;
};

absl::StatusOr<int> Query(const Session& session, const Options& options) {
  v1::QueryRequest request;
  request.set_sql(options.sql);
  request.set_reduce(options.reduce);
  request.set_selector(options.selector);
  request.set_host(options.host);
  ASSIGN_OR_RETURN(const int64_t at, ParseInstantOrNone(options.at));
  request.set_at(at);
  return PrintQuery(session, "Row", request);
}

}  // namespace

absl::StatusOr<int> PrintQuery(const Session& session, const std::string& kind,
                               const v1::QueryRequest& request,
                               const ForTable& table) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->Query(&context, request);
  v1::QueryReply reply;
  Item items = Item::array();
  std::vector<Column> columns;
  uint64_t omitted = 0, incomplete = 0, hosts = 0;
  while (stream->Read(&reply)) {
    if (columns.empty())
      for (const std::string& name : reply.rows().columns())
        columns.push_back({name, enc::Tty(HostText(name))});
    for (Item& item : ToItems(reply.rows())) items.push_back(std::move(item));
    omitted += reply.rows().omitted();
    hosts = reply.hosts();
    for (const std::string& reason : reply.incomplete()) {
      ++incomplete;
      std::fprintf(stderr, "metsukectl: not seen: %s\n",
                   enc::Tty(HostText(reason)).c_str());
    }
  }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (table && ForPeople(session)) table(items, columns);
  Print(session, kind, items, columns);
  if (hosts == 0) SayNoHost(request.selector());
  if (omitted)
    std::fprintf(stderr, "metsukectl: %llu rows were left out\n",
                 static_cast<unsigned long long>(omitted));
  return CodeFor(session, v1::SEVERITY_UNSPECIFIED,
                 omitted != 0 || incomplete != 0 || hosts == 0);
}

void AddQuery(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& command = line.Command(
      "query", "Rows that a SELECT over the tables returns on each host",
      [&session, options] {
        session.run = [&session, options] { return Query(session, *options); };
      });
  command
      .Word("sql", options->sql,
            "A SELECT; `metsukectl schema` shows the tables")
      .Required();
  command.Option("--reduce", options->reduce,
                 "A SELECT over all hosts' rows, as the table `rows`");
  command.Option("-l,--selector", options->selector,
                 "Labels the hosts must have: key=value,key");
  command.Option("--host", options->host, "Name or id of one host");
  command.Option(
      "--at", options->at,
      "The instant to look at: RFC 3339, a day, or a time ago such as 24h");
}

}  // namespace metsuke::cli
