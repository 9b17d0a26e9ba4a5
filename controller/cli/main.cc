// metsukectl: what operators ask of the controller.

#include <fmt/format.h>
#include <langinfo.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "controller/cli/examples.h"
#include "controller/cli/names.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"
#include "proto/tls.h"
#include "proto/utf8.h"

namespace metsuke::cli {

void AddAuditLocal(CommandLine& line, Session& session);
void AddBaseline(CommandLine& line, Session& session);
void AddCompletion(CommandLine& line, Session& session);
void AddControl(CommandLine& line, Session& session);
void AddDrift(CommandLine& line, Session& session);
void AddEvents(CommandLine& line, Session& session);
void AddSessions(CommandLine& line, Session& session);
void AddHost(CommandLine& line, Session& session);
void AddLogs(CommandLine& line, Session& session);
void AddPosture(CommandLine& line, Session& session);
void AddRegister(CommandLine& line, Session& session);
void AddQuery(CommandLine& line, Session& session);
void AddReport(CommandLine& line, Session& session);
void AddSchema(CommandLine& line, Session& session);
void AddSsh(CommandLine& line, Session& session);
void AddToken(CommandLine& line, Session& session);
void AddWaiver(CommandLine& line, Session& session);

namespace {

// In the order --help shows them: the daily ones first.
constexpr Command kCommands[] = {
    {AddReport},   {AddPosture}, {AddDrift},   {AddSsh},
    {AddSessions}, {AddEvents},  {AddLogs},    {AddHost},
    {AddRegister}, {AddWaiver},  {AddControl}, {AddQuery},
    {AddSchema},   {AddBaseline}, {AddToken},  {AddAuditLocal},
    {AddCompletion},
};

// Japanese must survive a locale of cron's: width and printability of
// characters are asked of the C library.
void UseUtf8() {
  std::setlocale(LC_ALL, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8")
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

void AddGlobals(CommandLine& line, Session& session) {
  line.Option("-c,--config", session.config,
              "Configuration file (default: ~/.config/metsuke/ctl.yaml, then "
              "/etc/metsuke/ctl.yaml)")
      .Environment("METSUKE_CONFIG");
  line.Option("-o,--output", session.output, "Form of the answer")
      .OneOf({"table", "wide", "json", "jsonl", "yaml", "csv"})
      .ShowDefault();
  line.Flag("--no-headers", session.no_headers, "Leave out the headings");
  line.Option("--color", session.color, "Colours in tables")
      .OneOf({"auto", "always", "never"})
      .ShowDefault();
  line.Option("--lang", session.language,
              "Language of titles and explanations (default: the locale's in "
              "tables, English in other forms)")
      .OneOf({"en", "ja"});
  line.Option("--fail-on", session.fail_on,
              "Severity from which findings make the exit code 2")
      .OneOf({"low", "medium", "high", "critical"})
      .ShowDefault();
  line.Flag("--exit-zero", session.exit_zero, "Exit with 0 whatever was found");
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

// What is asked goes to the controller as UTF-8 and nothing else.
absl::Status CheckWords(const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (ToUtf8(word) != word)
      return absl::InvalidArgumentError(fmt::format(
          "\"{}\" is not UTF-8; the terminal or the script that said it has to "
          "be: iconv -f CP932 -t UTF-8 makes a Shift_JIS file so",
          word));
  return absl::OkStatus();
}

// What the shell may offer for the last of `words`.
int Complete(const CommandLine& line, Session& session,
             const std::vector<std::string>& words) {
  if (const char* config = std::getenv("METSUKE_CONFIG"))
    session.config = config;
  for (size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "-c" || words[i] == "--config")
      session.config = words[i + 1];
  for (const std::string& word :
       line.Offers(words, [&session](const std::string& what) {
         return NamesFor(session, what);
       }))
    fmt::print("{}\n", word);
  return kCompliant;
}

int Main(int argc, char** argv) {
  if (absl::Status hard = HardenTls(); !hard.ok()) return Fail(hard);
  UseUtf8();
  Session session;
  CommandLine line(
      "metsukectl",
      "Asks the controller how the fleet stands.");
  line.Examples(ExamplesOf);
  line.RequireCommand();
  line.Footer(
      "Exit codes: 0 compliant, 1 error, 2 findings at or above --fail-on,\n"
      "3 incomplete (stale, unknown or no host), 64 usage, 78 configuration.");
  AddGlobals(line, session);
  for (const Command& command : kCommands) command.add(line, session);
  if (argc > 1 && argv[1] == std::string_view("__complete"))
    return Complete(line, session, {argv + 2, argv + argc});
  if (absl::Status words = CheckWords({argv + 1, argv + argc}); !words.ok())
    return Fail(words);
  if (const auto code = line.Parse(argc, argv)) return *code;
  const absl::StatusOr<int> code = session.run();
  return code.ok() ? *code : Fail(code.status());
}

}  // namespace
}  // namespace metsuke::cli

int main(int argc, char** argv) { return metsuke::cli::Main(argc, argv); }
