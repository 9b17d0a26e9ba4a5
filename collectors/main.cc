// metsuke-collect: reads the host, and answers the agent's question, a few
// numbers, over a unix socket. It holds what reading takes and speaks to no
// network.

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstdio>
#include <ctime>
#include <optional>

#include "collectors/channel.h"
#include "collectors/collector.h"
#include "collectors/cycle.h"
#include "collectors/host.h"
#include "collectors/notify.h"
#include "collectors/once.h"
#include "collectors/privileges.h"
#include "proto/account.h"
#include "proto/command_line.h"
#include "proto/config.pb.h"
#include "proto/encode.h"
#include "proto/file.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/version.h"

namespace metsuke {
namespace {

constexpr char kConfig[] = "/etc/metsuke/collect.yaml";
constexpr char kSocket[] = "/run/metsuke-collect/socket";
enum ExitCode { kDone = 0, kError = 1, kUsage = 64, kBadConfig = 78 };

struct Flags : DaemonFlags {
  std::string socket, root = "/", format = "json";
  std::optional<uint32_t> agent_uid;
  std::vector<std::string> tables;
  bool once = false, events = false;
};

// For the journal, while it serves.
int Fail(ExitCode code, const absl::Status& status) {
  Log(Priority::kError, enc::Log(HostText(Message(status))));
  return code;
}

// For whoever typed the command.
int Complain(ExitCode code, const absl::Status& status) {
  fmt::print(stderr, "metsuke-collect: {}\n",
             enc::Log(HostText(Message(status))));
  return code;
}

// The socket to take away when the process is told to end; a signal handler
// can reach nothing but a global.
char socket_to_remove[108] = "";

extern "C" void End(int) {
  if (socket_to_remove[0] != '\0') unlink(socket_to_remove);
  _exit(0);
}

void EndOnSignals(const std::string& socket) {
  socket.copy(socket_to_remove, sizeof socket_to_remove - 1);
  struct sigaction action {};
  action.sa_handler = End;
  for (const int number : {SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
}

// The file, with the flags over it. Only the default file may be missing.
absl::StatusOr<v1::CollectConfig> Config(const Flags& flags) {
  v1::CollectConfig config;
  const std::string& path = flags.config;
  const auto text = ReadFile(path);
  if (text.ok())
    RETURN_IF_ERROR(ReadYaml(path, *text, config));
  else if (!absl::IsNotFound(text.status()) || path != kConfig)
    return text.status();
  if (!flags.socket.empty()) config.set_socket(flags.socket);
  if (config.socket().empty()) config.set_socket(kSocket);
  if (flags.agent_uid) config.set_agent_uid(*flags.agent_uid);
  config.set_agent_uid(UidOr(config.agent_uid(), "metsuke-agent"));
  return config;
}

// The socket systemd opened for us, or one of our own.
absl::StatusOr<ChannelListener> Listen(const v1::CollectConfig& config) {
  const int given = TakeGivenSockets();
  if (given > 1)
    return absl::FailedPreconditionError("more than one socket was handed over");
  if (given == 1)
    return ChannelListener(Descriptor(kFirstGiven), config.agent_uid());
  ASSIGN_OR_RETURN(ChannelListener listener,
                   ChannelListener::Bind(config.socket(), config.agent_uid()));
  EndOnSignals(config.socket());
  return listener;
}

int Serve(const v1::CollectConfig& config, Host& host) {
  EndOnSignals("");
  auto listener = Listen(config);
  if (!listener.ok()) return Fail(kError, listener.status());
  if (const auto dropped = DropPrivileges(); !dropped.ok())
    return Fail(kError, dropped);
  Notify("READY=1");
  Log(Priority::kInfo, fmt::format("version {}, answers uid {} on {}", kVersion,
                                   config.agent_uid(), config.socket()));
  Cycle cycle(host, AllCollectors());
  while (true) {
    const absl::Status status =
        listener->Serve([&](const Inquiry& inquiry) {
          v1::Collected collected;
          host.Expect(inquiry.heartbeat);
          if ((inquiry.mask & ~kHear) != 0)
            collected = cycle.Look(inquiry.mask);
          if ((inquiry.mask & kHear) != 0)
            cycle.Hear(inquiry.position, std::time(nullptr), collected);
          return collected;
        });
    if (absl::IsInternal(status)) return Fail(kError, status);
    if (!status.ok()) Fail(kError, status);
  }
}

// All that the records still tell, as far back as a first look goes; `unread`
// becomes why a recorder could not be read.
v1::Events AllEvents(Cycle& cycle, std::string& unread) {
  v1::Events events;
  std::string position;
  bool more = true;
  while (more) {
    v1::Collected collected;
    cycle.Hear(EventPosition::FromBytes(position), std::time(nullptr),
               collected);
    more = false;
    for (const v1::Heard* heard : {&collected.heard(), &collected.audit()}) {
      if (!heard->unread().empty()) unread = heard->unread();
      events.mutable_events()->MergeFrom(heard->events());
      more = more || heard->more();
    }
    position = PositionAfter(collected, position);
  }
  std::stable_sort(events.mutable_events()->begin(),
                   events.mutable_events()->end(),
                   [](const v1::Event& a, const v1::Event& b) {
                     return a.time() < b.time();
                   });
  return events;
}

// What --once prints.
absl::StatusOr<std::string> Answer(const Flags& flags, uint64_t mask,
                                   Cycle& cycle, std::string& unread) {
  const bool json = flags.format == "json";
  if (flags.events) {
    const v1::Events events = AllEvents(cycle, unread);
    return json ? AsJson(events) : events.SerializeAsString();
  }
  const v1::Collected collected = cycle.Look(mask);
  return json ? AsJson(collected) : collected.SerializeAsString();
}

int Once(const Flags& flags, const Host& host) {
  const auto mask = MaskOf(flags.tables);
  if (!mask.ok()) return Complain(kUsage, mask.status());
  if (const auto dropped = DropPrivileges(); !dropped.ok())
    return Complain(kError, dropped);
  Cycle cycle(host, AllCollectors());
  std::string unread;
  const auto out = Answer(flags, *mask, cycle, unread);
  if (!out.ok()) return Complain(kError, out.status());
  const size_t written = fwrite(out->data(), 1, out->size(), stdout);
  if (written != out->size() || fflush(stdout) != 0)
    return Complain(kError, absl::UnavailableError("standard output is closed"));
  if (!unread.empty()) return Complain(kError, absl::UnavailableError(unread));
  return kDone;
}

int Main(const Flags& flags) {
  boost::system::error_code error;
  if (!boost::filesystem::is_directory(flags.root, error))
    return Complain(kUsage, absl::NotFoundError(fmt::format(
                            "--root '{}': no such folder", flags.root)));
  Host host(flags.root);
  if (flags.once) return Once(flags, host);
  const auto config = Config(flags);
  if (!config.ok()) return Complain(kBadConfig, config.status());
  if (flags.print) fmt::print("{}", WriteYaml(*config));
  if (flags.print || flags.test) return kDone;
  return Serve(*config, host);
}

void Describe(CommandLine& line, Flags& flags) {
  flags.config = kConfig;
  AddDaemonFlags(line, flags);
  line.Option("--socket", flags.socket, "Unix socket to answer on");
  line.Option("--agent-uid", flags.agent_uid,
              "Numeric user id of the agent, the only one answered but root "
              "(default: that of the account metsuke-agent)");
  line.Option("--root", flags.root,
              "Look at the image of a host in this folder");
  line.Flag("--once", flags.once, "Collect once, print, and end");
  line.Option("--tables", flags.tables,
              "Tables to collect, separated by commas (default all)")
      .SplitAtCommas();
  line.Flag("--events", flags.events,
            "With --once: what happened in the last seven days, not the tables");
  line.Option("-o,--output", flags.format, "How --once prints")
      .OneOf({"json", "binary"});
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) {
  // A daemon that was started with a standard stream closed would give its
  // number to a socket.
  while (fcntl(2, F_GETFD) < 0)
    if (open("/dev/null", O_RDWR) < 0) return metsuke::kError;
  metsuke::SetLogName("metsuke-collect");
  metsuke::CommandLine line("metsuke-collect",
                            "Reads this host's tables for metsuke-agent.");
  metsuke::Flags flags;
  metsuke::Describe(line, flags);
  if (const auto code = line.Parse(argc, argv)) return *code;
  return metsuke::Main(flags);
}
