#include "controller/cli/watch.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "controller/cli/waiting.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

constexpr std::chrono::seconds kPause(5);

// What the program ends with when it is told to.
volatile std::sig_atomic_t g_code = kIncomplete;

// Documents are written whole and flushed, so that nothing is left to be done.
void End(int) {
  [[maybe_unused]] ssize_t cleared = 0;
  if (isatty(STDERR_FILENO) == 1)
    cleared = write(STDERR_FILENO, kClearLine.data(), kClearLine.size());
  _exit(g_code);
}

void Show(bool terminal, const Answer& answer) {
  if (!terminal) return PrintLine(answer.kind, answer.items);
  // Home, and clear all below.
  fmt::print("\x1b[H\x1b[J");
  std::fflush(stdout);  // before anything goes to standard error
  answer.print();
}

}  // namespace

int TerminalRows() {
  if (!isatty(STDOUT_FILENO)) return 0;
  // A serial line does not know its size.
  constexpr int kUsual = 24;
  winsize size{};
  const bool told = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return told && size.ws_row > 0 ? size.ws_row : kUsual;
}

absl::StatusOr<int> Watch(const Session& session,
                          const std::function<absl::StatusOr<Answer>()>& ask) {
  const bool terminal = ForPeople(session) && TerminalRows() > 0;
  if (!terminal && session.output != "jsonl")
    return absl::InvalidArgumentError(
        "--watch needs a terminal, or -o jsonl for a line per change");
  std::signal(SIGINT, End);
  std::signal(SIGTERM, End);
  Item shown;
  std::string trouble;
  for (;; std::this_thread::sleep_for(kPause)) {
    const absl::StatusOr<Answer> answer = ask();
    if (!answer.ok() && !absl::IsUnavailable(answer.status()))
      return answer.status();
    if (!answer.ok()) {
      if (trouble != Message(answer.status()))
        std::fprintf(stderr, "metsukectl: %s Trying again.\n",
                     enc::Tty(HostText(Message(answer.status()))).c_str());
      trouble = Message(answer.status());
      g_code = kIncomplete;
      continue;
    }
    // After trouble the screen has its message, and a reader wants to know.
    if (answer->essence == shown && trouble.empty()) continue;
    trouble.clear();
    shown = answer->essence;
    g_code = answer->code;
    Show(terminal, *answer);
    if (std::fflush(stdout) != 0) return answer->code;
  }
}

}  // namespace metsuke::cli
