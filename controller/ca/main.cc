// metsuke-ca: keeps the keys of the fleet. It has no network; its one door is
// a unix socket.

#include <fmt/format.h>

#include <string>

#include "controller/ca/local.h"
#include "controller/ca/server.h"
#include "proto/account.h"
#include "proto/command_line.h"
#include "proto/config.pb.h"
#include "proto/file.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/tls.h"

namespace metsuke {
namespace {

struct Flags : DaemonFlags {
  std::string state, out;
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
  config.set_controller_uid(
      UidOr(config.controller_uid(), "metsuke-controller"));
  config.set_enrol_uid(UidOr(config.enrol_uid(), "metsuke-enrol"));
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

CommandLine& AddIssue(CommandLine& issue, const std::string& role,
                      const std::string& what, int64_t days, Flags& flags) {
  CommandLine& command = issue.Command(role, what, [&flags, role, days] {
    flags.wish.role = role;
    if (flags.wish.days == 0) flags.wish.days = days;
  });
  command.Word("name", flags.wish.name, "Name in the certificate").Required();
  command.Option("--out", flags.out, "Folder for the files").Required();
  command.Option("--days", flags.wish.days,
                 fmt::format("Days it lives; {} if not given", days));
  return command;
}

int Main(int argc, char** argv) {
  SetLogName("metsuke-ca");
  Flags flags;
  flags.config = "/etc/metsuke/ca.yaml";
  CommandLine line("metsuke-ca", "Keeps the keys of the fleet.");
  AddDaemonFlags(line, flags);
  line.Option("--state", flags.state, "Folder of keys and ledger");
  const CommandLine& init = line.Command("init", "Make the authority");
  const CommandLine& reissue =
      line.Command("reissue", "Make a fresh issuing certificate");
  CommandLine& issue = line.Command("issue", "Make a certificate");
  issue.RequireCommand();
  AddIssue(issue, "controller", "For a controller", 365, flags)
      .Option("--dns", flags.wish.dns, "One more DNS name");
  AddIssue(issue, "enrol", "For metsuke-enrol", 365, flags);
  AddIssue(issue, "operator", "For a person or program that asks", 30, flags);
  if (const auto code = line.Parse(argc, argv)) return *code;
  const bool local = init.chosen() || reissue.chosen() || issue.chosen();
  if (local && flags.state.empty()) {
    fmt::print(stderr, "metsuke-ca: --state is missing; see --help\n");
    return 64;
  }
  absl::Status status = HardenTls();
  if (status.ok() && init.chosen()) status = InitAuthority(flags.state);
  if (status.ok() && reissue.chosen()) status = ReissueAuthority(flags.state);
  if (status.ok() && issue.chosen())
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
