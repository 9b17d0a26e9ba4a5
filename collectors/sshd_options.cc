// Fills the sshd_options table with what `sshd -T` says for the command line
// of the running daemon, and whether that daemon can be trusted to apply it.
//
// A daemon reads its files when it starts and on SIGHUP, when it executes
// itself anew: process id and start time stay, so /proc alone cannot tell a
// reload. But it removes its pid file before and writes it after, so the later
// of start and pid file is when it last read them. Without a pid file
// (PidFile none) a reload goes unseen and the rows stay "stale", the side on
// which to err. Times of files are of their last change of any kind (ctime):
// `mv` and `cp -p` leave the other one behind.

#include <algorithm>

#include "collectors/collector.h"
#include "collectors/passwd.h"
#include "collectors/sshd_config.h"
#include "collectors/sshd_daemon.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "sshd_options";

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

// What the column daemon says of keywords the command line does not set.
std::string_view DaemonState(const Host& host, const SshdDaemon& daemon,
                             const SshdFiles& files,
                             const SshdSettings& settings) {
  if (daemon.state == SshdDaemon::State::kStopped) return "not_running";
  if (daemon.state == SshdDaemon::State::kUnknown || daemon.started == 0)
    return "unknown";
  const int64_t read = LastRead(host, daemon, SettingOf(settings, "pidfile"));
  return ChangedSince(host, files, read) ? "stale" : "same";
}

// The authorized_keys table takes the files at their word; say so when the
// daemon was told otherwise.
void CheckKeyOptions(const SshdCommand& command, v1::Snapshot& snapshot) {
  bool other = command.config != SshdCommand().config;
  for (const std::string& keyword : command.keywords)
    other = other || keyword.starts_with("authorizedkeys") ||
            keyword == "trustedusercakeys" || keyword == "strictmodes";
  if (other)
    AddGap(snapshot, "authorized_keys", "command line of sshd",
           "the running daemon may take keys from elsewhere than " +
               SshdCommand().config + " says");
}

}  // namespace

absl::Status CollectSshdOptions(const Host& host, v1::Snapshot& snapshot) {
  if (absl::IsNotFound(host.Stat(kSshd).status()))
    return Absent("sshd is not installed");
  absl::StatusOr<SshdDaemon> daemon = FindSshd(host);
  if (!daemon.ok()) {
    daemon = SshdDaemon();
    daemon->state = SshdDaemon::State::kUnknown;
  }
  const SshdFiles files = FindSshdFiles(host, daemon->command.config);
  ASSIGN_OR_RETURN(SshdSettings settings,
                   ReadSshdSettings(host, daemon->command, files));
  const std::string_view state = DaemonState(host, *daemon, files, settings);
  std::sort(settings.begin(), settings.end());
  settings.erase(std::unique(settings.begin(), settings.end()), settings.end());
  for (const auto& [keyword, value] : settings) {
    v1::SshdOption& row = *snapshot.add_sshd_options();
    row.set_keyword(keyword);
    row.set_value(value);
    row.set_daemon(daemon->command.keywords.contains(keyword)
                       ? "command_line"
                       : std::string(state));
  }
  for (const SshdMatchLine& line : files.matched) {
    v1::SshdOption& row = *snapshot.add_sshd_options();
    row.set_keyword(line.keyword);
    row.set_value(line.value);
    row.set_daemon(std::string(state));
    row.set_criteria(line.criteria);
  }
  if (state == "unknown")
    AddGap(snapshot, kTable, "the running sshd",
           "it could not be seen, so it may apply other values than its files");
  CheckKeyOptions(daemon->command, snapshot);
  for (const std::string& other : daemon->others)
    AddGap(snapshot, kTable, other,
           "another SSH server runs with a configuration of its own");
  return absl::OkStatus();
}

}  // namespace metsuke
