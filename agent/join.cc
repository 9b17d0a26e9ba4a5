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

// The exit code of a child that is awaited; an error when a signal ended it.
absl::StatusOr<int> Await(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return absl::AbortedError(
      fmt::format("it was ended by signal {}", WTERMSIG(status)));
}

absl::StatusOr<int> RunSystemctl(const char* what, const char* unit) {
  const char* const argv[] = {"/usr/bin/systemctl", "--quiet", what, unit,
                              nullptr};
  char* environment[] = {nullptr};
  pid_t child = 0;
  // posix_spawn(3) takes the words as they are.
  if (const int error = posix_spawn(&child, argv[0], nullptr, nullptr,
                                    const_cast<char* const*>(argv), environment);
      error != 0)
    return absl::ErrnoToStatus(error, argv[0]);
  return Await(child);
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
  if (child > 0) {
    const auto code = Await(child);
    if (code.ok()) return *code;
    return absl::AbortedError(
        Message(code.status()) +
        "; the line may be used up: make another with \"metsukectl token "
        "create\"");
  }
  RETURN_IF_ERROR(Become(*account));
  return std::nullopt;
}

absl::Status StartAgentUnit() {
  if (access("/run/systemd/system", F_OK) != 0) return absl::OkStatus();
  constexpr char kUnit[] = "metsuke-agent.service";
  // A unit whose condition fails is restarted with success and does not run.
  for (const char* what : {"restart", "is-active"}) {
    ASSIGN_OR_RETURN(const int code, RunSystemctl(what, kUnit));
    if (code != 0)
      return absl::UnavailableError(fmt::format(
          "this host has joined, but {0} does not start; see systemctl status "
          "{0}",
          kUnit));
  }
  return absl::OkStatus();
}

}  // namespace metsuke
