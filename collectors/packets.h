// The packets of collectors/channel.h, and sending and taking them.

#ifndef METSUKE_COLLECTORS_PACKETS_H_
#define METSUKE_COLLECTORS_PACKETS_H_

#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "collectors/inquiry.h"

namespace metsuke {

inline constexpr uint32_t kChannelMagic = 0x4b53544d;  // "MTSK" on x86
inline constexpr uint32_t kChannelVersion = 4;
inline constexpr size_t kMaxPacket = 64 << 10;
inline constexpr uint64_t kMaxAnswer = 64 << 20;

struct Question {
  uint32_t magic, version;
  Inquiry inquiry;
};
static_assert(sizeof(Question) == 120);

enum PacketKind : uint32_t { kPart = 0, kRefusal = 1 };

struct PacketHeader {
  uint32_t magic, kind;
  uint64_t total;
};
static_assert(sizeof(PacketHeader) == 16);

// The address of a unix socket; InvalidArgument when `path` is too long.
absl::StatusOr<sockaddr_un> SocketAddress(const std::string& path);

// How long one send or receive on `fd` may take.
void SetPatience(int fd, std::chrono::milliseconds patience);

// Sends `bytes`, at most kMaxAnswer, in packets.
absl::Status SendPackets(int fd, PacketKind kind, std::string_view bytes);

// Takes what SendPackets sent until `until`. A refusal is FailedPrecondition
// with its sentence.
absl::StatusOr<std::string> TakePackets(
    int fd, std::chrono::steady_clock::time_point until);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PACKETS_H_
