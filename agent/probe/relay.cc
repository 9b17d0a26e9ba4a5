#include "agent/probe/relay.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace metsuke {
namespace {

using std::chrono::milliseconds;

constexpr size_t kKept = 64 << 10;

int Left(ProbeClock::time_point until) {
  const auto left = std::chrono::ceil<milliseconds>(until - ProbeClock::now());
  return static_cast<int>(std::max<int64_t>(0, left.count()));
}

Ending Failed(const char* what, int error) {
  return {"failed", fmt::format("{}: {}", what, strerror(error))};
}

// Why the other side cannot be spoken to.
Ending Because(int error) {
  switch (error) {
    case ECONNREFUSED:
      return {"refused", "nothing listens there"};
    case ETIMEDOUT:
      return {"timeout", "no answer to the attempt to connect"};
    case ENETUNREACH:
    case EHOSTUNREACH:
      return {"unreachable", strerror(error)};
    default:
      return Failed("connect", error);
  }
}

// The same when connect() itself says so, before anybody was asked: but for a
// refusal on the same host it is this machine that has no route, no address of
// the family, or a filter of its own, which says nothing about the server.
Ending BecauseOfOneself(int error) {
  if (error == ECONNREFUSED) return Because(error);
  return Failed("there is no way to it from here", error);
}

using Address = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// The socket address of `address`, which is no name.
Address Parse(const std::string& address, uint16_t port) {
  const addrinfo hints{.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                       .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {found, freeaddrinfo};
}

std::string OwnAddress(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> text{};
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&address), size, text.data(),
                  text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return "";
  return text.data();
}

// Sends all of `bytes`; false when the other side is gone or does not take
// them until `until`.
bool SendAll(int socket, std::string_view bytes,
             ProbeClock::time_point until) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    pollfd file{socket, POLLOUT, 0};
    if (poll(&file, 1, Left(until)) == 0) return false;
  }
  return true;
}

}  // namespace

Relay::~Relay() { Stop(); }

Ending Relay::Connect(const std::string& address, uint16_t port) {
  until_ = ProbeClock::now() + limits_.time;
  if (Ending ending = Reach(address, port); !ending.outcome.empty())
    return ending;
  source_ = OwnAddress(server_.get());
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return Failed("socketpair", errno);
  library_ = Descriptor(ends[0]);
  own_ = Descriptor(ends[1]);
  stop_ = Descriptor(eventfd(0, EFD_CLOEXEC));
  if (!stop_) return Failed("eventfd", errno);
  thread_ = std::thread([this] { Pass(); });
  return {};
}

Ending Relay::Reach(const std::string& address, uint16_t port) {
  const Address to = Parse(address, port);
  if (to == nullptr) return {"failed", "not an IP address"};
  server_ = Descriptor(socket(
      to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!server_) return Failed("socket", errno);
  if (connect(server_.get(), to->ai_addr, to->ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return BecauseOfOneself(errno);
  pollfd file{server_.get(), POLLOUT, 0};
  if (poll(&file, 1, Left(until_)) == 0) return Because(ETIMEDOUT);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(server_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? Ending{} : Because(error);
}

std::string Relay::Stop() {
  if (thread_.joinable()) {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  server_ = Descriptor();
  return std::move(heard_);
}

// Until one side goes, Stop is called or a limit is reached. Closing own_ is
// what the library sees as the server's end.
void Relay::Pass() {
  for (;;) {
    std::array<pollfd, 3> files{{{server_.get(), POLLIN, 0},
                                 {own_.get(), POLLIN, 0},
                                 {stop_.get(), POLLIN, 0}}};
    const int ready = poll(files.data(), files.size(), Left(until_));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || files[2].revents != 0) break;
    if (files[0].revents != 0 && !FromServer()) break;
    if (files[1].revents != 0 && !FromLibrary()) break;
  }
  // Whichever looked at the clock first: this thread or the library's.
  if (ending_.outcome.empty() && ProbeClock::now() >= until_)
    ending_ = {"timeout",
               fmt::format("not done after {} ms", limits_.time.count())};
  own_ = Descriptor();
}

bool Relay::FromServer() {
  std::array<char, 16384> buffer;
  const ssize_t got = recv(server_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) {
    ending_ = {"closed", count_ == 0 ? "the server hung up without a word"
                                     : "the server hung up"};
    return false;
  }
  const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
  heard_.append(bytes.substr(0, kKept - heard_.size()));
  count_ += bytes.size();
  if (count_ > limits_.bytes) {
    ending_ = {"too_much", fmt::format("the server sent more than {} bytes",
                                       limits_.bytes)};
    return false;
  }
  // A library that takes no more is done with the server.
  return SendAll(own_.get(), bytes, until_);
}

bool Relay::FromLibrary() {
  std::array<char, 16384> buffer;
  const ssize_t got = recv(own_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  return SendAll(server_.get(),
                 std::string_view(buffer.data(), static_cast<size_t>(got)),
                 until_);
}

}  // namespace metsuke
