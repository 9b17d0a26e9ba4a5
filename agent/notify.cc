#include "agent/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "collectors/descriptor.h"

namespace metsuke {

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
  const char* const pid = std::getenv("WATCHDOG_PID");
  if (usec == nullptr || (pid != nullptr && std::atol(pid) != getpid()))
    return std::chrono::microseconds(0);
  return std::chrono::microseconds(std::strtoull(usec, nullptr, 10) / 2);
}

}  // namespace metsuke
