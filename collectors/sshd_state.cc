// A daemon reads its files when it starts and on SIGHUP, when it executes
// itself anew: process id and start time stay, so /proc alone cannot tell a
// reload. But it removes its pid file before and writes it after, so the later
// of start and pid file is when it last read them. Without a pid file
// (PidFile none) a reload goes unseen and the rows stay "stale", the side on
// which to err. Times of files are of their last change of any kind (ctime):
// `mv` and `cp -p` leave the other one behind.

#include "collectors/sshd_state.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_join.h"
#include "collectors/collector.h"
#include "collectors/sshd_socket.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// When the daemon last read its configuration.
int64_t LastRead(const Host& host, const SshdDaemon& daemon,
                 const std::string& pid_file) {
  if (!pid_file.starts_with('/')) return daemon.started;
  const absl::StatusOr<std::string> text = host.Read(pid_file, 64);
  const absl::StatusOr<FileInfo> info = host.Stat(pid_file);
  if (!text.ok() || !info.ok() ||
      text->substr(0, text->find('\n')) != std::to_string(daemon.pid))
    return daemon.started;
  return std::max(daemon.started, info->modified);
}

// Whether something the configuration stands in was changed since. Start times
// are only good to the second, and a second is given for that.
bool ChangedSince(const Host& host, const SshdFiles& files, int64_t when) {
  for (const std::string& path : files.paths) {
    const absl::StatusOr<FileInfo> info = host.Stat(path);
    if (info.ok() && info->changed > when + 1) return true;
  }
  return false;
}

std::string_view StateOf(const Host& host, const SshdDaemon& daemon,
                         const SshdFiles& files, const SshdSettings& settings) {
  if (daemon.state == SshdDaemon::State::kStopped) return "not_running";
  if (daemon.state == SshdDaemon::State::kUnknown || daemon.started == 0)
    return "unknown";
  const int64_t read = LastRead(host, daemon, SettingOf(settings, "pidfile"));
  return ChangedSince(host, files, read) ? "stale" : "same";
}

// Where systemd listens, and what it would start then.
void LookAtSocket(const Host& host, RunningSshd& sshd) {
  absl::StatusOr<SshdSockets> sockets = FindSshdSockets(host);
  if (!sockets.ok()) {
    sshd.socket_unseen = Message(sockets.status());
    return;
  }
  sshd.socket = std::move(sockets->addresses);
  sshd.socket_unseen = std::move(sockets->unseen);
  std::ranges::move(sockets->others, std::back_inserter(sshd.daemon.others));
  if (sshd.socket.empty() || sshd.daemon.state != SshdDaemon::State::kStopped)
    return;
  const std::string command = absl::StrJoin(sockets->command, std::string(1, '\0'));
  std::optional<SshdCommand> parsed =
      command.empty() ? std::nullopt : ParseSshdCommand(command);
  if (parsed)
    sshd.daemon.command = *std::move(parsed);
  else
    sshd.daemon.state = SshdDaemon::State::kUnknown;
}

}  // namespace

absl::StatusOr<RunningSshd> LookAtSshd(const Host& host) {
  if (absl::IsNotFound(host.Stat(kSshd).status()))
    return Absent("sshd is not installed");
  RunningSshd sshd;
  absl::StatusOr<SshdDaemon> daemon = FindSshd(host);
  if (daemon.ok())
    sshd.daemon = *std::move(daemon);
  else
    sshd.daemon.state = SshdDaemon::State::kUnknown;
  LookAtSocket(host, sshd);
  sshd.files = FindSshdFiles(host, sshd.daemon.command.config);
  ASSIGN_OR_RETURN(sshd.settings,
                   ReadSshdSettings(host, sshd.daemon.command, sshd.files));
  sshd.state = StateOf(host, sshd.daemon, sshd.files, sshd.settings);
  if (sshd.state == "not_running" && !sshd.socket.empty()) sshd.state = "same";
  if (sshd.state == "not_running" && !sshd.socket_unseen.empty())
    sshd.state = "unknown";
  return sshd;
}

void AddSshdGaps(const RunningSshd& sshd, std::string_view table,
                 v1::Snapshot& snapshot) {
  if (sshd.state == "unknown")
    AddGap(snapshot, table, "the running sshd",
           "it could not be seen, so it may apply other values than its files");
  if (!sshd.socket_unseen.empty())
    AddGap(snapshot, table, "ssh.socket", sshd.socket_unseen, {"daemon"});
  for (const std::string& other : sshd.daemon.others)
    AddGap(snapshot, table, other,
           "another SSH server runs with a configuration of its own");
}

}  // namespace metsuke
