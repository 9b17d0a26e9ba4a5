// metsukectl token: one-time tokens that let hosts join the fleet.

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/join_token.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string ttl = "10m";
  uint32_t uses = 1;
  std::string enrol;
};

// "90s", "10m", "1h" in seconds; 0 when it is no such thing.
uint32_t Seconds(const std::string& text) {
  unsigned value = 0;
  char unit = 's';
  int length = 0;
  if (std::sscanf(text.c_str(), "%5u%n%c%n", &value, &length, &unit, &length) <
          1 ||
      static_cast<size_t>(length) != text.size())
    return 0;
  return unit == 's' ? value : unit == 'm' ? value * 60 : unit == 'h' ? value * 3600 : 0;
}

absl::StatusOr<int> Create(const Session& session, const Options& options) {
  v1::TokenRequest request;
  request.set_ttl_seconds(Seconds(options.ttl));
  if (request.ttl_seconds() == 0)
    return absl::InvalidArgumentError("--ttl " + options.ttl +
                                      ": write 90s, 10m or 1h");
  request.set_uses(options.uses);
  // Before there is a token that nobody would get to see.
  ASSIGN_OR_RETURN(const std::string controller, ControllerAddress(session));
  ASSIGN_OR_RETURN(const std::string places,
                   JoinPlaces(controller, options.enrol));
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::CreateTokenReply reply;
  RETURN_IF_ERROR(FromCall(stub->CreateToken(&context, request, &reply)));
  const std::string line = reply.token() + places;
  if (!ForPeople(session)) {
    Item item = ToItem(reply);
    item["line"] = line;
    Print(session, "Token", Item::array({item}), {});
    return kCompliant;
  }
  fmt::print("{}\n", line);
  if (isatty(STDOUT_FILENO) == 1)
    fmt::print(stderr,
               "On the new host, as root: metsuke-agent join\n"
               "and paste this line; it works for {}.\n",
               options.ttl);
  return kCompliant;
}

absl::StatusOr<int> List(const Session& session) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::ListTokensReply reply;
  RETURN_IF_ERROR(FromCall(stub->ListTokens(&context, {}, &reply)));
  Print(session, "Token", ToItem(reply)["tokens"],
        {{"id", "ID"},
         {"creator", "CREATOR"},
         {"created", "CREATED"},
         {"expires", "EXPIRES"},
         {"uses", "USES", true},
         {"used", "USED", true}});
  return kCompliant;
}

}  // namespace

void AddToken(CommandLine& line, Session& session) {
  CommandLine& token =
      line.Command("token", "One-time tokens that let hosts join");
  token.RequireCommand();
  const auto options = std::make_shared<Options>();
  CommandLine& create = token.Command(
      "create",
      "Make a token, and print the line for metsuke-agent join, once",
      [&session, options] {
        session.run = [&session, options] { return Create(session, *options); };
      });
  create.Option("--ttl", options->ttl, "How long it works: 90s, 10m, 1h")
      .ShowDefault();
  create.Option("--enrol", options->enrol,
                "Where hosts reach metsuke-enrol (default: port 7444 of the "
                "controller)");
  create.Option("--uses", options->uses, "How many hosts may use it")
      .Between(1, 10000)
      .ShowDefault();
  token.Command("list", "The tokens, without their secrets", [&session] {
    session.run = [&session] { return List(session); };
  });
}

}  // namespace metsuke::cli
