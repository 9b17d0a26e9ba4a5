// What every command of metsukectl shares: the global flags, the connection
// to the controller and the exit codes.

#ifndef METSUKE_CONTROLLER_CLI_SESSION_H_
#define METSUKE_CONTROLLER_CLI_SESSION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/baseline.pb.h"
#include "proto/operator.grpc.pb.h"

namespace metsuke {
class CommandLine;
}

namespace metsuke::cli {

// Exit codes that scripts rely on.
enum ExitCode {
  kCompliant = 0,
  kError = 1,
  kFindings = 2,    // at or above --fail-on
  kIncomplete = 3,  // stale or unknown, or no host matched
  kUsage = 64,      // EX_USAGE of sysexits.h
  kConfig = 78,     // EX_CONFIG
};

struct Session {
  // Global flags.
  std::string config;
  std::string output = "table";
  std::string language;
  std::string color = "auto";
  std::string fail_on = "high";
  bool no_headers = false;
  bool exit_zero = false;

  // The command that was chosen; it returns an exit code.
  std::function<absl::StatusOr<int>()> run;
};

// A client of the controller the configuration names. The error says which
// file to mend; its code is FailedPrecondition, which exits with kConfig.
absl::StatusOr<std::unique_ptr<v1::Operator::Stub>> Connect(
    const Session& session);

// Where that controller listens, as the configuration says.
absl::StatusOr<std::string> ControllerAddress(const Session& session);

// The status of a call as the operator should read it: where the controller
// is and what to do when it cannot be reached.
absl::Status FromCall(const grpc::Status& status);

// Whether the language is Japanese, as InLanguage has it.
bool IsJapanese(const Session& session);

// The sentence in the language of --lang. Without it, people get that of the
// locale and programs get English: what they read must not depend on who
// started them.
const std::string& InLanguage(const Session& session, const v1::Text& text);

// Exit code for findings whose worst severity is `worst` (unspecified: none),
// with `incomplete` when something could not be judged.
int CodeFor(const Session& session, v1::Severity worst, bool incomplete);

// Seconds since 1970-01-01 UTC of "2026-11-21T09:00:00+09:00", "2026-11-21"
// (midnight, local time) or a time ago: "24h", "7d", "30m".
absl::StatusOr<int64_t> ParseInstant(const std::string& text);

// The same of an option that need not be given: 0 for an empty text, as requests
// have it.
absl::StatusOr<int64_t> ParseInstantOrNone(const std::string& text);

// RFC 3339 in local time; "never" for 0.
std::string InstantText(int64_t seconds);

// One entry of the list of commands in main.cc.
struct Command {
  void (*add)(CommandLine& line, Session& session);
};

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_SESSION_H_
