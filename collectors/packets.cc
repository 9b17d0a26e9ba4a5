#include "collectors/packets.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collectors/errno_status.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// One packet into `buffer`; its length, 0 at the end.
absl::StatusOr<size_t> TakePacket(
    int fd, std::chrono::steady_clock::time_point until, std::string& buffer) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return absl::DeadlineExceededError("no answer in time");
    SetPatience(fd, left);
    buffer.resize(kMaxPacket);
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_TRUNC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return ErrnoStatus(errno, "answer");
    if (static_cast<size_t>(got) > kMaxPacket)
      return absl::UnavailableError("answer: a packet that is too long");
    buffer.resize(static_cast<size_t>(got));
    return buffer.size();
  }
}

}  // namespace

absl::StatusOr<sockaddr_un> SocketAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return absl::InvalidArgumentError(
        fmt::format("socket '{}': a path of 1 to {} bytes is needed", path,
                    sizeof address.sun_path - 1));
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

void SetPatience(int fd, std::chrono::milliseconds patience) {
  const timeval time{patience.count() / 1000,
                     static_cast<suseconds_t>(patience.count() % 1000 * 1000)};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

absl::Status SendPackets(int fd, PacketKind kind, std::string_view bytes) {
  const PacketHeader header{kChannelMagic, kind, bytes.size()};
  do {
    const size_t part = std::min(bytes.size(), kMaxPacket - sizeof header);
    std::string packet(reinterpret_cast<const char*>(&header), sizeof header);
    packet += bytes.substr(0, part);
    ssize_t sent;
    do {
      sent = send(fd, packet.data(), packet.size(), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return ErrnoStatus(errno, "send an answer");
    bytes.remove_prefix(part);
  } while (!bytes.empty());
  return absl::OkStatus();
}

absl::StatusOr<std::string> TakePackets(
    int fd, std::chrono::steady_clock::time_point until) {
  std::string bytes, packet;
  while (true) {
    ASSIGN_OR_RETURN(const size_t size, TakePacket(fd, until, packet));
    if (size == 0)
      return absl::UnavailableError("the collector hung up before the end");
    PacketHeader header;
    if (size < sizeof header)
      return absl::UnavailableError("answer: a packet that is too short");
    memcpy(&header, packet.data(), sizeof header);
    bytes.append(packet, sizeof header);
    if (header.magic != kChannelMagic || header.total > kMaxAnswer ||
        bytes.size() > header.total)
      return absl::UnavailableError("answer: not of this protocol");
    if (bytes.size() < header.total) continue;
    if (header.kind == kPart) return bytes;
    return absl::FailedPreconditionError(ToUtf8(bytes));
  }
}

}  // namespace metsuke
