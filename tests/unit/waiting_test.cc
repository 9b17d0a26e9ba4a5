// What people see of an answer that takes its time, on a terminal of their own.

#include "controller/cli/waiting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

namespace metsuke::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// What the terminal is told while ten parts come, a fifth of a second apart.
std::string Shown(bool elsewhere) {
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    {
      Waiting waiting(STDERR_FILENO, false, elsewhere);
      for (int part = 0; part < 10; ++part) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        waiting.Heard();
        waiting.Resume();
      }
    }
    _exit(0);
  }
  std::string shown;
  std::array<char, 4096> buffer;
  // A terminal whose last user has gone cannot be read (EIO).
  for (ssize_t got = 0;
       (got = read(terminal, buffer.data(), buffer.size())) > 0;)
    shown.append(buffer.data(), static_cast<size_t>(got));
  close(terminal);
  waitpid(child, nullptr, 0);
  return shown;
}

TEST(Waiting, WhatGoesToAFileIsShownToGrow) {
  const std::string shown = Shown(true);
  EXPECT_THAT(shown, HasSubstr("waiting for the controller: 1 s, "));
  EXPECT_THAT(shown, HasSubstr(" 9 parts received"));
  EXPECT_THAT(shown, Not(HasSubstr(": 0 s")));
  EXPECT_THAT(shown, EndsWith(std::string(kClearLine)));
}

TEST(Waiting, WhatCanBeSeenToComeIsNotAnnounced) {
  EXPECT_EQ(Shown(false), "");
}

}  // namespace
}  // namespace metsuke::cli
