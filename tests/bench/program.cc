#include "program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "proto/status.h"

namespace metsuke {

uid_t AgentUid() { return getuid() == 0 ? 64305 : getuid(); }

absl::StatusOr<Program> Program::Start(std::vector<std::string> argv,
                                       const std::string& log, bool as_agent) {
  if (as_agent && getuid() == 0) {
    const std::string uid = fmt::format("{}", AgentUid());
    const std::vector<std::string> become{
        "/usr/bin/setpriv", "--reuid=" + uid,       "--regid=" + uid,
        "--clear-groups",   "--no-new-privs",       "--inh-caps=-all",
        "--ambient-caps=-all", "--bounding-set=-all"};
    argv.insert(argv.begin(), become.begin(), become.end());
  }
  std::vector<char*> words;
  for (std::string& word : argv) words.push_back(word.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, words[0], &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    return absl::NotFoundError(
        fmt::format("{}: {}", argv.front(), strerror(error)));
  return Program(pid);
}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)) {}

Program::~Program() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

int Program::Wait() {
  int status = -1;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

absl::StatusOr<Program> StartCollect(const std::string& folder,
                                     const std::string& socket,
                                     const std::string& log) {
  ASSIGN_OR_RETURN(
      Program program,
      Program::Start({folder + "/metsuke-collect", "--socket", socket,
                      "--agent-uid", fmt::format("{}", AgentUid())},
                     log, /*as_agent=*/false));
  for (int i = 0; i < 100; ++i) {
    struct stat info;
    if (stat(socket.c_str(), &info) == 0) return program;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return absl::UnavailableError(log + ": metsuke-collect did not come up");
}

}  // namespace metsuke
