#include "agent/probe/hello.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// A server may send lines of its own first (RFC 4253, 4.2); no client in use
// reads more of them than this.
constexpr int kMostLines = 1024;
constexpr size_t kLongestLine = 8192;
// RFC 4253, 6.1: what an implementation must be able to take. OpenSSH's
// largest KEXINIT is about 2 KB.
constexpr uint32_t kLargestPacket = 35000;
constexpr uint8_t kKexInit = 20;
constexpr size_t kCookie = 16;

// Takes the lines up to the identification off `bytes`; `software` stays empty
// when it has not come.
absl::Status TakeIdentification(std::string_view& bytes,
                                std::string& software) {
  for (int lines = 0; lines < kMostLines; ++lines) {
    const size_t end = bytes.find('\n');
    if (std::min(end, bytes.size()) > kLongestLine)
      return absl::InvalidArgumentError(
          fmt::format("a line of more than {} bytes", kLongestLine));
    if (end == std::string_view::npos) return absl::OkStatus();
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // "1.99" is a server that speaks version 1, too (RFC 4253, 5.1).
    if (line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-")) {
      software = line;
      return absl::OkStatus();
    }
    if (line.starts_with("SSH-"))
      return absl::InvalidArgumentError("it speaks a version of SSH before 2");
  }
  return absl::InvalidArgumentError(fmt::format(
      "{} lines and none is the name of an SSH server", kMostLines));
}

class Packet {
 public:
  explicit Packet(std::string_view bytes) : bytes_(bytes) {}

  std::optional<uint32_t> Number() {
    if (bytes_.size() < 4) return std::nullopt;
    uint32_t number = 0;
    for (int i = 0; i < 4; ++i)
      number = number << 8 | static_cast<uint8_t>(bytes_[i]);
    bytes_.remove_prefix(4);
    return number;
  }
  std::optional<std::string_view> Bytes(size_t count) {
    if (bytes_.size() < count) return std::nullopt;
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::optional<NameList> Names() {
    const auto length = Number();
    const auto text = length ? Bytes(*length) : std::nullopt;
    if (!text) return std::nullopt;
    return NameList(absl::StrSplit(std::string(*text), ',', absl::SkipEmpty()));
  }

 private:
  std::string_view bytes_;
};

// The ten lists of a KEXINIT, into `hello`.
bool ReadLists(Packet payload, ServerHello& hello) {
  if (!payload.Bytes(1 + kCookie)) return false;
  for (NameList* list : {&hello.kex, &hello.host_keys, &hello.ciphers[0],
                         &hello.ciphers[1], &hello.macs[0], &hello.macs[1],
                         &hello.compressions[0], &hello.compressions[1]}) {
    auto names = payload.Names();
    if (!names) return false;
    *list = *std::move(names);
  }
  // Two lists of languages, a flag, a reserved number.
  return payload.Names() && payload.Names() && payload.Bytes(5);
}

// The first packet of the binary protocol (RFC 4253, 6), which is not
// encrypted: its length, the length of its padding, what it carries.
absl::Status ReadKexInit(std::string_view bytes, ServerHello& hello) {
  Packet packet(bytes);
  const auto length = packet.Number();
  if (!length) return absl::OkStatus();
  if (*length < 2 || *length > kLargestPacket)
    return absl::InvalidArgumentError(
        fmt::format("its first packet says it has {} bytes", *length));
  const auto body = packet.Bytes(*length);
  if (!body) return absl::OkStatus();
  const size_t padding = static_cast<uint8_t>((*body)[0]);
  if (padding + 1 >= body->size())
    return absl::InvalidArgumentError("its first packet is all padding");
  const std::string_view payload = body->substr(1, body->size() - 1 - padding);
  if (static_cast<uint8_t>(payload[0]) != kKexInit)
    return absl::InvalidArgumentError(
        fmt::format("its first message has the number {}, not {}",
                    static_cast<uint8_t>(payload[0]), kKexInit));
  if (!ReadLists(Packet(payload), hello))
    return absl::InvalidArgumentError("its offer ends in the middle");
  hello.complete = true;
  return absl::OkStatus();
}

}  // namespace

ServerHello ParseHello(std::string_view bytes) {
  ServerHello hello;
  absl::Status status = TakeIdentification(bytes, hello.software);
  if (!hello.software.empty()) status = ReadKexInit(bytes, hello);
  hello.wrong = Message(status);
  return hello;
}

}  // namespace metsuke
