#include "agent/join.h"

#include <fmt/format.h>
#include <grp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "proto/account.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kAccount[] = "metsuke-agent";

absl::Status Become(const Account& account) {
  if (setgroups(0, nullptr) != 0 ||
      setresgid(account.gid, account.gid, account.gid) != 0 ||
      setresuid(account.uid, account.uid, account.uid) != 0)
    return absl::ErrnoToStatus(errno, fmt::format("become {}", kAccount));
  return absl::OkStatus();
}

// The exit code of a child that is awaited; 1 when it was ended by a signal.
int Await(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

void WipeWord(const std::string& word, int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (!word.empty() && argv[i] == word) memset(argv[i], '*', word.size());
}

absl::StatusOr<std::string> ReadJoinLine(const std::string& word) {
  if (!word.empty() && word != "-") return word;
  if (isatty(STDIN_FILENO) == 1)
    fmt::print(stderr, "The line that metsukectl token create printed: ");
  std::string line;
  if (!std::getline(std::cin, line) || line.empty())
    return absl::InvalidArgumentError(
        "there is no line; paste the one that \"metsukectl token create\" "
        "prints");
  return line;
}

absl::StatusOr<std::optional<int>> GoOnAsAgent() {
  if (geteuid() != 0) return std::nullopt;
  const auto account = FindAccount(kAccount);
  if (!account || account->uid == 0)
    return absl::FailedPreconditionError(fmt::format(
        "there is no account {}, which the package makes; systemd-sysusers "
        "makes it again",
        kAccount));
  const pid_t child = fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "fork");
  if (child > 0) return Await(child);
  RETURN_IF_ERROR(Become(*account));
  return std::nullopt;
}

absl::Status StartAgentUnit() {
  if (access("/run/systemd/system", F_OK) != 0) return absl::OkStatus();
  char systemctl[] = "/usr/bin/systemctl", restart[] = "restart";
  char unit[] = "metsuke-agent.service";
  char* argv[] = {systemctl, restart, unit, nullptr};
  char* environment[] = {nullptr};
  pid_t child = 0;
  if (const int error =
          posix_spawn(&child, systemctl, nullptr, nullptr, argv, environment);
      error != 0)
    return absl::ErrnoToStatus(error, systemctl);
  if (Await(child) != 0)
    return absl::UnavailableError(fmt::format(
        "this host has joined, but {0} does not start; see journalctl -u {0}",
        unit));
  return absl::OkStatus();
}

}  // namespace metsuke
