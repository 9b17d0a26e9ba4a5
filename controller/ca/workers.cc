#include "controller/ca/workers.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "proto/framed_socket.h"
#include "proto/status.h"

namespace metsuke {
namespace {

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

absl::Status RemoveStale(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode))
    return absl::FailedPreconditionError(
        path + ": there is something that is no socket");
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  if (FramedSocket::ConnectUnix(path, soon).ok())
    return absl::AlreadyExistsError(path + ": another program listens there");
  unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> ListenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return absl::InvalidArgumentError(
        fmt::format("\"{}\": no path for a unix socket, 1 to 107 bytes", path));
  path.copy(address.sun_path, path.size());
  RETURN_IF_ERROR(RemoveStale(path));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), 0666) != 0 || listen(fd, 128) != 0) {
    const absl::Status failed = absl::ErrnoToStatus(errno, "listen on " + path);
    if (fd >= 0) close(fd);
    return failed;
  }
  return fd;
}

Workers::Workers(int listener, int count, std::function<void(int fd)> serve)
    : listener_(listener), serve_(std::move(serve)) {
  for (int i = 0; i < count; ++i) threads_.emplace_back([this] { Work(); });
}

Workers::~Workers() {
  // Wakes the threads that wait in accept, with EINVAL.
  shutdown(listener_, SHUT_RDWR);
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

void Workers::Work() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      serve_(fd);
    } else if (errno == EINVAL) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      // Out of descriptors or memory: asking again at once only burns time.
      usleep(50000);
    }
  }
}

void HoldSignals() {
  const sigset_t set = Signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void AwaitSignal() {
  const sigset_t set = Signals();
  int signal = 0;
  sigwait(&set, &signal);
}

}  // namespace metsuke
