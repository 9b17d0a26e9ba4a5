// metsukectl: what operators ask of the controller.

#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdio>
#include <sstream>
#include <langinfo.h>

#include "controller/cli/session.h"
#include "controller/cli/unknown.h"
#include "proto/encode.h"
#include "proto/status.h"
#include "proto/tls.h"
#include "proto/version.h"

namespace metsuke::cli {

void AddAuditLocal(CLI::App& app, Session& session);
void AddBaseline(CLI::App& app, Session& session);
void AddCompletion(CLI::App& app, Session& session);
void AddControl(CLI::App& app, Session& session);
void AddDrift(CLI::App& app, Session& session);
void AddHost(CLI::App& app, Session& session);
void AddPosture(CLI::App& app, Session& session);
void AddQuery(CLI::App& app, Session& session);
void AddSchema(CLI::App& app, Session& session);
void AddToken(CLI::App& app, Session& session);

namespace {

// In the order --help shows them: the daily ones first.
constexpr Command kCommands[] = {
    {AddPosture}, {AddDrift},  {AddHost},  {AddControl},    {AddQuery},
    {AddSchema},  {AddBaseline}, {AddToken}, {AddAuditLocal}, {AddCompletion},
};

// Japanese must survive a locale of cron's: width and printability of
// characters are asked of the C library.
void UseUtf8() {
  std::setlocale(LC_ALL, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8")
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

void AddGlobals(CLI::App& app, Session& session) {
  app.add_option("-c,--config", session.config,
                 "Configuration file (default: $METSUKE_CONFIG, then "
                 "~/.config/metsuke/ctl.yaml, then /etc/metsuke/ctl.yaml)")
      ->envname("METSUKE_CONFIG");
  app.add_option("-o,--output", session.output, "Form of the answer")
      ->check(CLI::IsMember({"table", "wide", "json", "jsonl", "yaml", "csv"}))
      ->capture_default_str();
  app.add_flag("--no-headers", session.no_headers, "Leave out the headings");
  app.add_option("--color", session.color, "Colours in tables")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_option("--lang", session.language,
                 "Language of titles and explanations (default: the locale's in "
                 "tables, English in other forms)")
      ->check(CLI::IsMember({"en", "ja"}));
  app.add_option("--fail-on", session.fail_on,
                 "Severity from which findings make the exit code 2")
      ->check(CLI::IsMember({"low", "medium", "high", "critical"}))
      ->capture_default_str();
  app.add_flag("--exit-zero", session.exit_zero,
               "Exit with 0 whatever was found");
  app.set_version_flag("--version", std::string("metsukectl ") + kVersion);
}

// A message of several lines, such as all that is wrong with a baseline, stays
// one of several lines; each is encoded by itself.
int Fail(const absl::Status& status) {
  std::istringstream lines(Message(status));
  for (std::string line; std::getline(lines, line);)
    std::fprintf(stderr, "metsukectl: %s\n", enc::Tty(HostText(line)).c_str());
  if (absl::IsInvalidArgument(status)) return kUsage;
  return absl::IsFailedPrecondition(status) ? kConfig : kError;
}

int Main(int argc, char** argv) {
  if (absl::Status hard = HardenTls(); !hard.ok()) return Fail(hard);
  UseUtf8();
  Session session;
  CLI::App app{
      "Asks the controller how the fleet stands.\n\n"
      "  metsukectl posture                 the fleet, worst host first\n"
      "  metsukectl posture web01           one host, with evidence\n"
      "  metsukectl control explain ssh-no-password\n"
      "  metsukectl drift --since 24h       what changed, row by row\n"
      "  metsukectl query \"SELECT port, program FROM ports\"\n",
      "metsukectl"};
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit codes: 0 compliant, 1 error, 2 findings at or above --fail-on,\n"
      "3 incomplete (stale, unknown or no host), 64 usage, 78 configuration.");
  AddGlobals(app, session);
  for (const Command& command : kCommands) command.add(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const std::string unknown = UnknownWord(app); !unknown.empty())
      return Fail(absl::InvalidArgumentError(unknown));
    return app.exit(error) == 0 ? kCompliant : kUsage;
  }
  const absl::StatusOr<int> code = session.run();
  return code.ok() ? *code : Fail(code.status());
}

}  // namespace
}  // namespace metsuke::cli

int main(int argc, char** argv) { return metsuke::cli::Main(argc, argv); }
