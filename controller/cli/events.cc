// metsukectl events and metsukectl sessions: what happened, and who was there.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "controller/cli/items.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "controller/judge/network.h"
#include "proto/command_line.h"
#include "proto/event.pb.h"
#include "proto/options.pb.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string host, selector, since = "24h", until, account, from, person;
  std::vector<std::string> kinds;
};

absl::StatusOr<v1::EventsRequest> RequestOf(const Options& options) {
  v1::EventsRequest request;
  request.set_host(options.host);
  request.set_selector(options.selector);
  request.set_account(options.account);
  request.set_person(options.person);
  request.mutable_kinds()->Assign(options.kinds.begin(), options.kinds.end());
  if (!options.from.empty() && !ParseNetwork(options.from))
    return absl::InvalidArgumentError(fmt::format(
        "--from {}: neither an address such as 203.0.113.9 nor a network such "
        "as 10.0.0.0/8",
        options.from));
  request.set_from(options.from);
  ASSIGN_OR_RETURN(const int64_t since, ParseInstant(options.since));
  request.set_since(since);
  ASSIGN_OR_RETURN(const int64_t until, ParseInstantOrNone(options.until));
  request.set_until(until);
  return request;
}

// What they are in a line for people, beside the columns that say nothing there.
std::string Who(const Item& item) {
  const std::string account = item["account"], actor = item["actor"],
                    login = item["login_account"];
  const bool another = !actor.empty() && actor != account;
  std::string who = another ? fmt::format("{} by {}", account, actor) : account;
  // Whose session it was, where neither name says it.
  if (!login.empty() && login != account && login != actor)
    who += fmt::format(" (logged in: {})", login);
  return who;
}

Item ToItem(const v1::HostEvent& entry) {
  Item item{{"host", entry.host()}};
  item.update(cli::ToItem(entry.event()));
  item.erase("id");
  item["person"] = entry.person();
  return item;
}

// What a person reads in place of instants that are not there.
void SayEnds(const v1::HostSession& entry, Item& item) {
  if (entry.end() == "open") item["ended"] = "open";
  if (entry.end() == "boot") item["ended"] = "before the last boot";
  if (entry.end() == "unknown") item["ended"] = "not known";
  if (entry.began() == 0) item["began"] = "not known";
}

// Nobody known is not the same as nothing known: where no register was kept
// there is no `person` at all.
void TakePersonsAway(Item& items, std::vector<Column>& columns) {
  for (Item& item : items) item.erase("person");
  std::erase_if(columns,
                [](const Column& column) { return column.key == "person"; });
}

// Prints all that `stream` answers; `add` adds the items of one reply.
template <typename Reply, typename Add>
absl::StatusOr<int> PrintAll(const Session& session,
                             grpc::ClientReader<Reply>& stream, const char* kind,
                             const std::string& selector,
                             std::vector<Column> columns, Add add) {
  Reply reply;
  Item items = Item::array();
  uint32_t hosts = 0;
  bool persons_kept = false;
  while (stream.Read(&reply)) {
    hosts = reply.hosts();
    persons_kept = reply.persons_kept();
    add(reply, items);
  }
  RETURN_IF_ERROR(FromCall(stream.Finish()));
  if (!persons_kept) TakePersonsAway(items, columns);
  if (ForPeople(session))
    for (Item& item : items) item["who"] = Who(item);
  Print(session, kind, items, columns);
  if (hosts == 0) SayNoHost(selector);
  return CodeFor(session, v1::SEVERITY_UNSPECIFIED, hosts == 0);
}

absl::StatusOr<int> Events(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const v1::EventsRequest request, RequestOf(options));
  ASSIGN_OR_RETURN(const auto controller, Connect(session));
  grpc::ClientContext context;
  return PrintAll(session, *controller->ListEvents(&context, request), "Event",
                  request.selector(),
                  {{"host", "HOST"},
                   {"time", "TIME"},
                   {"kind", "WHAT"},
                   {"service", "BY WAY OF"},
                   {"who", "ACCOUNT"},
                   {"person", "PERSON"},
                   {"from", "FROM"},
                   {"method", "METHOD"},
                   {"count", "TIMES", true},
                   {"detail", "DETAIL"},
                   {"source", "WORD OF"},
                   {"session", "SESSION", false, true},
                   {"login_account", "LOGGED IN AS", false, true}},
                  [](const v1::EventsReply& reply, Item& items) {
                    for (const v1::HostEvent& entry : reply.events())
                      items.push_back(ToItem(entry));
                  });
}

absl::StatusOr<int> Sessions(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const v1::EventsRequest request, RequestOf(options));
  ASSIGN_OR_RETURN(const auto controller, Connect(session));
  grpc::ClientContext context;
  return PrintAll(session, *controller->ListSessions(&context, request),
                  "Session", request.selector(),
                  {{"host", "HOST"},
                   {"began", "BEGAN"},
                   {"ended", "ENDED"},
                   {"service", "BY WAY OF"},
                   {"who", "ACCOUNT"},
                   {"person", "PERSON"},
                   {"from", "FROM"},
                   {"method", "METHOD"},
                   {"detail", "DETAIL"},
                   {"source", "WORD OF"},
                   {"login_account", "LOGGED IN AS", false, true}},
                  [&](const v1::SessionsReply& reply, Item& items) {
                    for (const v1::HostSession& entry : reply.sessions()) {
                      items.push_back(cli::ToItem(entry));
                      if (ForPeople(session)) SayEnds(entry, items.back());
                    }
                  });
}

// Those of the schema.
std::vector<std::string> Kinds() {
  const std::string values = v1::Event::descriptor()
                                 ->FindFieldByName("kind")
                                 ->options()
                                 .GetExtension(v1::values);
  return absl::StrSplit(values, '|');
}

void AddOptions(CommandLine& command, Options& options) {
  command.Word("host", options.host, "Name or id of one host; all without it");
  command.Option("-l,--selector", options.selector,
                 "Labels the hosts must have: key=value,key");
  command
      .Option("--since", options.since,
              "From when: RFC 3339, a day, or a time ago such as 24h")
      .ShowDefault();
  command.Option("--until", options.until, "Until when (default: now)");
  command.Option("--account", options.account,
                 "The account that was entered or changed, or that acted");
  command.Option("--from", options.from,
                 "The client's address, or a network it lies in");
  command.Option("--person", options.person,
                 "Who it was, by the register persons");
}

}  // namespace

void AddEvents(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& command = line.Command(
      "events", "What happened: logins, failures, changes of accounts, keys, services",
      [&session, options] {
        session.run = [&session, options] { return Events(session, *options); };
      });
  AddOptions(command, *options);
  command
      .Option("--kind", options->kinds,
              "Kinds of events, separated by commas (default all)")
      .SplitAtCommas()
      .OneOf(Kinds());
}

void AddSessions(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  AddOptions(line.Command("sessions", "Who was on which host, from when to when",
                          [&session, options] {
                            session.run = [&session, options] {
                              return Sessions(session, *options);
                            };
                          }),
             *options);
}

}  // namespace metsuke::cli
