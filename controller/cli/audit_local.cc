// metsukectl audit-local: this host against a baseline, without a controller.

#include <unistd.h>

#include <boost/asio.hpp>
#include <boost/filesystem.hpp>
#include <boost/process/v2.hpp>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/cli/baseline_files.h"
#include "controller/cli/findings.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "controller/judge/finding.h"
#include "controller/judge/judge.h"
#include "proto/canonical.h"
#include "proto/collect.pb.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

namespace fs = boost::filesystem;
namespace process = boost::process::v2;

struct Options {
  std::string collect, baseline;
  bool advice = false;
};

// The folder this program lies in: the others of a build lie beside it.
fs::path Here() {
  boost::system::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::string FirstThatExists(const std::vector<fs::path>& paths) {
  boost::system::error_code error;
  for (const fs::path& path : paths)
    if (fs::exists(path, error)) return path.string();
  return paths.back().string();
}

// Runs metsuke-collect as who we are and returns what it saw.
absl::StatusOr<v1::Collected> Collect(const std::string& program) try {
  boost::asio::io_context context;
  boost::asio::readable_pipe pipe(context);
  process::process child(
      context, program, {"--once", "-o", "binary"},
      process::process_stdio{nullptr, pipe, stderr});
  std::string output;
  boost::system::error_code error;
  boost::asio::read(pipe, boost::asio::dynamic_buffer(output, 256 << 20),
                    error);
  if (const int code = child.wait(); code != 0)
    return absl::UnavailableError(program + " ended with code " +
                                  std::to_string(code));
  v1::Collected collected;
  if (!collected.ParseFromString(output))
    return absl::DataLossError(program + " printed no tables");
  return collected;
} catch (const boost::system::system_error& error) {
  return absl::FailedPreconditionError(
      program + ": " + error.code().message() +
      "; name the program with --collect");
}

absl::StatusOr<int> AuditLocal(const Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const auto files, ReadBaselineFiles({options.baseline}));
  ASSIGN_OR_RETURN(CompiledBaseline baseline, LoadBaseline(files));
  ASSIGN_OR_RETURN(const v1::Collected collected, Collect(options.collect));
  TableDigests tables;
  std::map<std::string, std::string> bodies;
  v1::Snapshot facts;
  for (const v1::CollectedTable& table : collected.tables()) {
    const std::string digest = Sha256(table.canonical());
    tables[table.table()] = digest;
    bodies[digest] = table.canonical();
    if (table.table() == "host") facts.ParseFromString(table.canonical());
  }
  Judge judge(std::move(baseline),
              [&](const std::string& digest) -> absl::StatusOr<std::string> {
                return bodies.at(digest);
              });
  ASSIGN_OR_RETURN(const auto state, judge.State(tables, std::time(nullptr)));

  v1::HostPosture host;
  SetScore(judge.baseline(), state->score, host);
  host.set_host(facts.host_size() ? facts.host(0).hostname() : "this host");
  std::vector<v1::Finding> findings;
  for (size_t i = 0; i < state->judgements.size(); ++i)
    SetFinding(judge.baseline().controls[i].control, *state->judgements[i],
               findings.emplace_back());
  if (options.advice)
    AddAdvice(session, judge.baseline().ToMessage(), findings);
  if (geteuid() != 0)
    std::fprintf(stderr,
                 "metsukectl: not root: what only root can read is unknown\n");
  PrintFindings(session, host, findings);
  return CodeOf(session, host, findings);
}

}  // namespace

void AddAuditLocal(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& command = line.Command(
      "audit-local", "This host against a baseline, without a controller",
      [&session, options] {
        session.run = [&session, options] {
          return AuditLocal(session, *options);
        };
      });
  options->collect = FirstThatExists(
      {Here() / "metsuke-collect", "/usr/libexec/metsuke/metsuke-collect"});
  options->baseline =
      FirstThatExists({Here() / "../../playbooks/baseline",
                       "/usr/share/metsuke/baseline"});
  command.Option("--collect", options->collect, "The collector to run")
      .ShowDefault();
  command
      .Option("--baseline", options->baseline, "File or folder of the baseline")
      .ShowDefault();
  command.Flag("--advice", options->advice, "What to do about each finding");
}

}  // namespace metsuke::cli
