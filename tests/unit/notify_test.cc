#include "collectors/notify.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace metsuke {
namespace {

// What a child takes that was handed two descriptors, and told so; -1 when it
// would pass them on, or what it was told.
int TakenByChild(const char* pid, const char* count) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(STDERR_FILENO, kFirstGiven);
    dup2(STDERR_FILENO, kFirstGiven + 1);
    close(kFirstGiven + 2);
    setenv("LISTEN_PID",
           pid == nullptr ? std::to_string(getpid()).c_str() : pid, 1);
    setenv("LISTEN_FDS", count, 1);
    const int taken = TakeGivenSockets();
    for (int i = 0; i < taken; ++i)
      if (fcntl(kFirstGiven + i, F_GETFD) != FD_CLOEXEC) _exit(255);
    _exit(std::getenv("LISTEN_FDS") == nullptr ? taken : 255);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 255 ? WEXITSTATUS(status)
                                                         : -1;
}

TEST(Notify, SocketsThatWereHandedOverAreTakenOnceAndPassedOnToNobody) {
  EXPECT_EQ(TakenByChild(nullptr, "2"), 2);
  EXPECT_EQ(TakenByChild(nullptr, "1"), 1);
}

TEST(Notify, SocketsOfAnotherProcessAreNotTaken) {
  EXPECT_EQ(TakenByChild("1", "2"), 0);
}

TEST(Notify, NoMoreSocketsAreTakenThanAreOpen) {
  EXPECT_EQ(TakenByChild(nullptr, "99"), 2);
  EXPECT_EQ(TakenByChild(nullptr, "-1"), 0);
  EXPECT_EQ(TakenByChild(nullptr, ""), 0);
}

}  // namespace
}  // namespace metsuke
