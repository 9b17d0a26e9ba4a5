// metsuke-ca: keeps the keys of the fleet. It has no network; its one door is
// a unix socket.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "controller/ca/local.h"
#include "controller/ca/server.h"
#include "proto/config.pb.h"
#include "proto/file.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/tls.h"

namespace metsuke {
namespace {

struct Flags {
  std::string config, state, out;
  bool test = false, print = false;
  LocalWish wish;
};

absl::StatusOr<v1::AuthorityConfig> ReadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path));
  v1::AuthorityConfig config;
  RETURN_IF_ERROR(ReadYaml(path, yaml, config));
  if (config.state().empty() || config.socket().empty())
    return absl::InvalidArgumentError(path +
                                      ": state and socket must be given");
  if (config.host_days() > 365)
    return absl::InvalidArgumentError(path + ": host_days is at most 365");
  if (config.host_days() == 0) config.set_host_days(7);
  return config;
}

absl::Status Serve(const v1::AuthorityConfig& config) {
  HoldSignals();
  ASSIGN_OR_RETURN(const auto authority,
                   Authority::Open(config.state(),
                                   {config.controller_uid(), config.enrol_uid(),
                                    config.host_days()}));
  ASSIGN_OR_RETURN(const auto workers,
                   ServeAuthority(*authority, config.socket()));
  Log(Priority::kNotice, "answers on " + config.socket());
  AwaitSignal();
  return absl::OkStatus();
}

absl::Status RunDaemon(const Flags& flags) {
  ASSIGN_OR_RETURN(const v1::AuthorityConfig config, ReadConfig(flags.config));
  if (flags.print) fmt::print("{}", WriteYaml(config));
  if (flags.print) return absl::OkStatus();
  if (flags.test) return Issuer::Load(config.state()).status();
  return Serve(config);
}

CLI::App* AddIssue(CLI::App& issue, const std::string& role,
                   const std::string& what, int64_t days, Flags& flags) {
  CLI::App* command = issue.add_subcommand(role, what);
  command->add_option("name", flags.wish.name, "Name in the certificate")
      ->required();
  command->add_option("--out", flags.out, "Folder for the files")->required();
  command->add_option("--days", flags.wish.days,
                      fmt::format("Days it lives; {} if not given", days));
  command->callback([&flags, role, days] {
    flags.wish.role = role;
    if (flags.wish.days == 0) flags.wish.days = days;
  });
  return command;
}

int Main(int argc, char** argv) {
  SetLogName("metsuke-ca");
  Flags flags;
  CLI::App app("Keeps the keys of the fleet.");
  app.add_option("--config", flags.config, "Configuration of the daemon");
  app.add_option("--state", flags.state, "Folder of keys and ledger");
  app.add_flag("-t", flags.test, "Test the configuration and exit");
  app.add_flag("-T", flags.print, "Print the configuration and exit");
  CLI::App* init = app.add_subcommand("init", "Make the authority");
  CLI::App* reissue =
      app.add_subcommand("reissue", "Make a fresh issuing certificate");
  CLI::App* issue = app.add_subcommand("issue", "Make a certificate");
  issue->require_subcommand(1);
  AddIssue(*issue, "controller", "For a controller", 365, flags)
      ->add_option("--dns", flags.wish.dns, "One more DNS name");
  AddIssue(*issue, "enrol", "For metsuke-enrol", 365, flags);
  AddIssue(*issue, "operator", "For a person or program that asks", 30, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  const bool local = init->parsed() || reissue->parsed() || issue->parsed();
  if (local ? flags.state.empty() : flags.config.empty()) {
    fmt::print(stderr, "metsuke-ca: {} is missing; see --help\n",
               local ? "--state" : "--config");
    return 64;
  }
  absl::Status status = HardenTls();
  if (status.ok() && init->parsed()) status = InitAuthority(flags.state);
  if (status.ok() && reissue->parsed()) status = ReissueAuthority(flags.state);
  if (status.ok() && issue->parsed())
    status = IssueLocally(flags.state, flags.wish, flags.out);
  if (status.ok() && !local) status = RunDaemon(flags);
  if (status.ok()) return 0;
  if (local)
    fmt::print(stderr, "metsuke-ca: {}\n", Message(status));
  else
    Log(Priority::kError, Message(status));
  return absl::IsInvalidArgument(status) ? 78 : 1;
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) { return metsuke::Main(argc, argv); }
