// metsuke-agent: reports to the controller what metsuke-collect sees. It has a
// user of its own and no capability.

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "agent/confine.h"
#include "agent/daemon.h"
#include "agent/durable.h"
#include "agent/enrol.h"
#include "agent/join.h"
#include "agent/settings.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/file.h"
#include "proto/join_token.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/tls.h"
#include "proto/version.h"

namespace metsuke {
namespace {

enum ExitCode { kDone = 0, kError = 1, kUsage = 64, kBadConfig = 78 };

struct Flags : DaemonFlags {
  std::string token_file;
  std::string join_line;  // a secret
  bool enrol = false, join = false;
};

// What the steps share, in the order they make it.
struct Agent {
  Flags flags;
  v1::AgentConfig config;
  std::optional<Daemon> daemon;
  bool done = false;  // the steps that follow have nothing to do
  int code = kDone;   // to end with then
  JoinToken token;    // of the line to join with
};

absl::Status ReadLine(Agent& agent) {
  if (!agent.flags.join) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string line, ReadJoinLine(agent.flags.join_line));
  agent.flags.join_line = line;
  ASSIGN_OR_RETURN(agent.token, ParseJoinToken(line));
  if (!agent.token.controller.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "this is a token that does not say where its controller is (@…); copy "
      "all of what \"metsukectl token create\" printed");
}

absl::Status ReadSettings(Agent& agent) {
  if (agent.flags.join) {
    ASSIGN_OR_RETURN(agent.config, SettingsToJoin(agent.flags.config,
                                                  agent.token.controller,
                                                  agent.token.enrol));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(agent.config, LoadSettings(agent.flags.config));
  if (agent.flags.print) fmt::print("{}", WriteYaml(agent.config));
  agent.done = agent.flags.test || agent.flags.print;
  return absl::OkStatus();
}

// Only a child of root's goes on to join; root starts the agent afterwards.
absl::Status SplitFromRoot(Agent& agent) {
  if (!agent.flags.join) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<int> code, GoOnAsAgent());
  if (!code) return absl::OkStatus();
  agent.done = true;
  agent.code = *code;
  if (*code != kDone) return absl::OkStatus();
  return StartAgentUnit();
}

absl::Status GiveUpPrivileges(Agent&) { return Confine(); }

absl::Status HardenLibraries(Agent&) {
  umask(077);
  // Threads of gRPC would otherwise have a heap each.
  mallopt(M_ARENA_MAX, 2);
  // The daemon reads these from a descriptor; threads inherit the mask.
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return HardenTls();
}

absl::Status OpenState(Agent& agent) {
  return MakePrivateFolder(agent.config.state());
}

absl::Status EnrolHost(Agent& agent) {
  if (!agent.flags.enrol && !agent.flags.join) return absl::OkStatus();
  agent.done = true;
  // Enrolment is short and may be interrupted.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (agent.config.enrol().empty())
    return absl::InvalidArgumentError(
        agent.flags.config + ": enrol: say where metsuke-enrol listens");
  std::string token = agent.flags.join_line;
  if (agent.flags.enrol) {
    ASSIGN_OR_RETURN(token, ReadFile(agent.flags.token_file));
  }
  ASSIGN_OR_RETURN(const Identity identity,
                   Enrol(agent.config.enrol(), token, agent.config.state()));
  if (agent.flags.join) RETURN_IF_ERROR(StoreJoined(agent.config));
  fmt::print("enrolled as host {}\n", identity.name);
  return absl::OkStatus();
}

absl::Status OpenSpool(Agent& agent) {
  agent.daemon.emplace(agent.config);
  return agent.daemon->Open();
}

absl::Status Work(Agent& agent) {
  Log(Priority::kInfo, fmt::format("version {}, reports to {}", kVersion,
                                   agent.config.controller()));
  RETURN_IF_ERROR(agent.daemon->Run());
  // Nobody waits for what metsuke-collect has yet to say; all else is on disk.
  if (agent.daemon->looking()) _exit(kDone);
  return absl::OkStatus();
}

struct Stage {
  const char* name;
  absl::Status (*run)(Agent& agent);
  ExitCode failed;
};

constexpr Stage kStages[] = {
    {"the line to join with", ReadLine, kUsage},
    {"configuration", ReadSettings, kBadConfig},
    {"joining", SplitFromRoot, kError},
    {"privileges", GiveUpPrivileges, kError},
    {"libraries", HardenLibraries, kError},
    {"state folder", OpenState, kError},
    {"enrolment", EnrolHost, kError},
    {"spool", OpenSpool, kError},
    {"work", Work, kError},
};

// To the journal from a daemon, in plain words to whoever typed a command.
void Report(const Flags& flags, const std::string& error) {
  if (flags.enrol || flags.join || flags.test || flags.print)
    fmt::print(stderr, "metsuke-agent: {}\n", error);
  else
    Log(Priority::kError, error);
}

int Main(const Flags& flags) {
  Agent agent{.flags = flags};
  for (const Stage& stage : kStages) {
    const absl::Status status = stage.run(agent);
    if (!status.ok()) {
      Report(flags, fmt::format("{}: {}", stage.name,
                                enc::Log(HostText(Message(status)))));
      return stage.failed;
    }
    if (agent.done) break;
  }
  return agent.code;
}

void AddFlags(CommandLine& line, Flags& flags) {
  flags.config = kDefaultConfig;
  AddDaemonFlags(line, flags);
  line.Command("run", "Report this host to the controller (default)");
  line.Command("enrol", "Join a fleet with a one-time token",
               [&flags] { flags.enrol = true; })
      .Option("--token-file", flags.token_file,
              "File with the token; - reads it from standard input")
      .Required();
  line.Command("join",
               "Join a fleet with the line that metsukectl token create prints",
               [&flags] { flags.join = true; })
      .Word("line", flags.join_line,
            "The line; without it, or for -, a line of standard input, which "
            "no list of processes shows");
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) {
  // A daemon that was started with a standard stream closed would give its
  // number to a socket.
  while (fcntl(2, F_GETFD) < 0)
    if (open("/dev/null", O_RDWR) < 0) return metsuke::kError;
  metsuke::SetLogName("metsuke-agent");
  metsuke::CommandLine line("metsuke-agent",
                            "Reports this host to its Metsuke controller.");
  metsuke::Flags flags;
  metsuke::AddFlags(line, flags);
  if (const auto code = line.Parse(argc, argv)) return *code;
  metsuke::WipeWord(flags.join_line, argc, argv);
  return metsuke::Main(flags);
}
