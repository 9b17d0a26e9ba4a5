#include "proto/address.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proto/status.h"

namespace metsuke {
namespace {

absl::Status Malformed(const std::string& address) {
  return absl::InvalidArgumentError(fmt::format(
      "\"{}\" is no address; write host:port, or [address]:port for IPv6",
      address));
}

absl::StatusOr<std::pair<std::string, std::string>> Split(
    const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size())
    return Malformed(address);
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    return Malformed(address);
  if (host.empty()) return Malformed(address);
  return std::pair(host, address.substr(colon + 1));
}

}  // namespace

absl::StatusOr<AddressList> Resolve(const std::string& address,
                                    bool to_listen) {
  ASSIGN_OR_RETURN(const auto parts, Split(address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags =
      AI_NUMERICSERV | (to_listen ? AI_PASSIVE | AI_NUMERICHOST : 0);
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(parts.first.c_str(), parts.second.c_str(), &hints, &list);
  if (error == 0) return AddressList(list);
  if (error == EAI_SERVICE || (to_listen && error == EAI_NONAME))
    return Malformed(address);
  return absl::UnavailableError(
      fmt::format("{}: {}", address, gai_strerror(error)));
}

absl::StatusOr<int> ListenTcp(const std::string& address) {
  ASSIGN_OR_RETURN(const AddressList list, Resolve(address, true));
  const int fd =
      socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  const int yes = 1, seconds = 3;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  // A connect alone, without a byte, then costs the program nothing (tcp(7)).
  setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
  if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) != 0 ||
      listen(fd, 128) != 0) {
    const absl::Status failed =
        absl::ErrnoToStatus(errno, "listen on " + address);
    if (fd >= 0) close(fd);
    return failed;
  }
  return fd;
}

std::string PeerAddress(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  char text[NI_MAXHOST];
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&peer), size, text, sizeof(text),
                  nullptr, 0, NI_NUMERICHOST) != 0)
    return "unknown";
  const std::string address = text;
  constexpr std::string_view kMapped = "::ffff:";
  const bool mapped = address.substr(0, kMapped.size()) == kMapped &&
                      address.find('.') != std::string::npos;
  return mapped ? address.substr(kMapped.size()) : address;
}

std::string GrpcPeerAddress(const std::string& peer) {
  if (peer.starts_with("ipv4:")) return peer.substr(5, peer.rfind(':') - 5);
  constexpr std::string_view kBefore = "ipv6:%5B";
  if (!peer.starts_with(kBefore)) return "";
  const size_t end = peer.find('%', kBefore.size());
  if (end == std::string::npos) return "";
  return peer.substr(kBefore.size(), end - kBefore.size());
}

int ListeningPort(int fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) return 0;
  return own.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<sockaddr_in6*>(&own)->sin6_port)
             : ntohs(reinterpret_cast<sockaddr_in*>(&own)->sin_port);
}

}  // namespace metsuke
