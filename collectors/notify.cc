#include "collectors/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "collectors/descriptor.h"

namespace metsuke {

namespace {

// Whether a variable names this process: the environment of a service is handed
// down to whatever it starts.
bool ForThisProcess(const char* variable, bool unless_said) {
  const char* const pid = std::getenv(variable);
  return pid == nullptr ? unless_said : std::atol(pid) == getpid();
}

}  // namespace

void Notify(const std::string& text) {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr) return;
  std::string path = name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  path.copy(address.sun_path, path.size());
  // "@" stands for the NUL of an abstract address.
  if (path[0] == '@') address.sun_path[0] = '\0';
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address),
         offsetof(sockaddr_un, sun_path) + path.size());
}

std::chrono::microseconds WatchdogInterval() {
  const char* const usec = std::getenv("WATCHDOG_USEC");
  if (usec == nullptr || !ForThisProcess("WATCHDOG_PID", /*unless_said=*/true))
    return std::chrono::microseconds(0);
  return std::chrono::microseconds(std::strtoull(usec, nullptr, 10) / 2);
}

int TakeGivenSockets() {
  const char* const said = std::getenv("LISTEN_FDS");
  int given = 0;
  if (said != nullptr && ForThisProcess("LISTEN_PID", /*unless_said=*/false))
    while (given < std::atoi(said) &&
           fcntl(kFirstGiven + given, F_SETFD, FD_CLOEXEC) == 0)
      ++given;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
    unsetenv(name);
  return given;
}

}  // namespace metsuke
