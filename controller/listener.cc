#include "controller/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iterator>
#include <utility>

#include "proto/address.h"
#include "proto/log.h"

namespace metsuke {
namespace {

// How often it is looked for connections that have ended.
constexpr int kSweepMilliseconds = 1000;
// Pause when the machine is out of descriptors or memory: the condition lasts,
// and without a pause the loop would take a whole processor.
constexpr int kPauseMilliseconds = 50;
// Lines a second about refused connections; an attacker chooses their number.
constexpr int kLogsPerSecond = 10;

// The peer of `fd` as grpc::ServerContext::peer() writes it.
std::string GrpcPeer(int fd, const std::string& address) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  if (address.find(':') == std::string::npos)  // also one inside IPv6
    return fmt::format(
        "ipv4:{}:{}", address,
        ntohs(storage.ss_family == AF_INET6
                  ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                  : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port));
  // A link-local address has the number of its interface where others write
  // the name (grpc_sockaddr_to_string), and its "%" is escaped.
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  const std::string zone =
      v6->sin6_scope_id == 0 ? "" : fmt::format("%25{}", v6->sin6_scope_id);
  return fmt::format("ipv6:%5B{}{}%5D:{}",
                     address.substr(0, address.find('%')), zone,
                     ntohs(v6->sin6_port));
}

ino_t Inode(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

}  // namespace

Listener::Listener(int listening, ListenerLimits limits,
                   std::function<void(int fd)> take)
    : listening_(listening),
      limits_(limits),
      take_(std::move(take)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      spare_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  // Another process may take the connection between poll and accept.
  fcntl(listening_, F_SETFL, fcntl(listening_, F_GETFL) | O_NONBLOCK);
  thread_ = std::thread([this] { Loop(); });
}

Listener::~Listener() {
  Stop();
  close(stop_);
  if (spare_ >= 0) close(spare_);
}

void Listener::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(stop_, &one, sizeof one);
  thread_.join();
  close(listening_);
}

void Listener::Loop() {
  auto swept = std::chrono::steady_clock::now();
  while (true) {
    pollfd fds[] = {{listening_, POLLIN, 0}, {stop_, POLLIN, 0}};
    poll(fds, 2, kSweepMilliseconds);
    if (fds[1].revents != 0) return;
    if (fds[0].revents != 0 && !AcceptOne()) {
      // Also ends at once when it is told to stop.
      poll(&fds[1], 1, kPauseMilliseconds);
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - swept < std::chrono::milliseconds(kSweepMilliseconds)) continue;
    swept = now;
    const std::lock_guard lock(mutex_);
    Sweep();
  }
}

bool Listener::AcceptOne() {
  const int fd =
      accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    Admit(fd);
    return true;
  }
  if (errno == EMFILE || errno == ENFILE) {
    ShedOne();
    return false;
  }
  // ENOBUFS and ENOMEM last; the others are about one connection that is gone.
  return errno != ENOBUFS && errno != ENOMEM;
}

// Without a free descriptor accept(2) leaves the connection in the queue and
// poll(2) says so for ever.
void Listener::ShedOne() {
  if (spare_ >= 0) close(spare_);
  const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  const std::string address = fd >= 0 ? PeerAddress(fd) : "unknown";
  if (fd >= 0) close(fd);
  spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (MayLog())
    Log(Priority::kError,
        fmt::format("refused {}: no descriptor is left; raise LimitNOFILE or "
                    "lower max_connections",
                    address));
}

void Listener::Admit(int fd) {
  const std::string address = PeerAddress(fd);
  {
    const std::lock_guard lock(mutex_);
    if (connections_.size() >= limits_.connections ||
        CountFrom(address) >= limits_.connections_per_address)
      Sweep();
    if (connections_.size() >= limits_.connections)
      return Refuse(fd, address, "max_connections are open");
    if (CountFrom(address) >= limits_.connections_per_address)
      return Refuse(fd, address,
                    "max_connections_per_address are open from it");
    // The number was free, so what had it before has ended.
    const auto before = connections_.find(fd);
    if (before != connections_.end()) Forget(before);
    const std::string peer = GrpcPeer(fd, address);
    connections_[fd] = {Inode(fd), address, peer};
    ++addresses_[address];
    peers_[peer] = fd;
  }
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  take_(fd);
}

void Listener::Refuse(int fd, const std::string& address, const char* why) {
  close(fd);
  if (MayLog())
    Log(Priority::kWarning, fmt::format("refused {}: {}", address, why));
}

void Listener::Sweep() {
  for (auto it = connections_.begin(); it != connections_.end();)
    it = Inode(it->first) == it->second.inode ? std::next(it) : Forget(it);
}

Listener::Connections::iterator Listener::Forget(Connections::iterator ended) {
  const Connection& connection = ended->second;
  if (!connection.proven && MayLog())
    Log(Priority::kWarning,
        fmt::format("refused {}: the connection ended before a call of it was "
                    "let in; it showed no valid certificate of the fleet",
                    connection.peer));
  const auto address = addresses_.find(connection.address);
  if (--address->second == 0) addresses_.erase(address);
  const auto peer = peers_.find(connection.peer);
  if (peer != peers_.end() && peer->second == ended->first) peers_.erase(peer);
  return connections_.erase(ended);
}

size_t Listener::CountFrom(const std::string& address) const {
  const auto found = addresses_.find(address);
  return found == addresses_.end() ? 0 : found->second;
}

bool Listener::MayLog() {
  const auto now = std::chrono::steady_clock::now();
  if (now - log_second_ > std::chrono::seconds(1)) {
    log_second_ = now;
    logged_ = 0;
  }
  return ++logged_ <= kLogsPerSecond;
}

void Listener::Proven(std::string_view peer) {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(peer);
  if (found != peers_.end()) connections_.at(found->second).proven = true;
}

size_t Listener::connections() {
  const std::lock_guard lock(mutex_);
  Sweep();
  return connections_.size();
}

}  // namespace metsuke
