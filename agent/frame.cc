#include "agent/frame.h"

#include <fmt/format.h>

#include <array>

#include "agent/durable.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr std::string_view kMagic = "MTSKREC\x01";

std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table;
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
    table[i] = crc;
  }
  return table;
}

void PutNumber(std::string& bytes, uint64_t number, int size) {
  for (int i = 0; i < size; ++i)
    bytes += static_cast<char>(number >> (8 * i) & 0xFF);
}

uint64_t TakeNumber(std::string_view& bytes, int size) {
  uint64_t number = 0;
  for (int i = 0; i < size; ++i)
    number |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  bytes.remove_prefix(size);
  return number;
}

}  // namespace

uint32_t Crc32c(std::string_view bytes, uint32_t crc) {
  static const std::array<uint32_t, 256> kTable = MakeTable();
  crc = ~crc;
  for (const unsigned char c : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ c) & 0xFF];
  return ~crc;
}

std::string Seal(const Frame& frame) {
  std::string bytes(kMagic);
  bytes += frame.stream;
  PutNumber(bytes, frame.seq, 8);
  PutNumber(bytes, frame.payload.size(), 4);
  PutNumber(bytes, Crc32c(frame.payload, Crc32c(bytes)), 4);
  return bytes + frame.payload;
}

absl::StatusOr<Frame> Unseal(std::string_view bytes) {
  if (bytes.size() < kFrameHeader)
    return absl::DataLossError(fmt::format("cut to {} bytes", bytes.size()));
  const std::string_view sealed = bytes.substr(0, kFrameHeader - 4);
  if (!bytes.starts_with(kMagic)) return absl::DataLossError("no record");
  bytes.remove_prefix(kMagic.size());
  Frame frame;
  frame.stream = bytes.substr(0, kStreamSize);
  bytes.remove_prefix(kStreamSize);
  frame.seq = TakeNumber(bytes, 8);
  const uint64_t length = TakeNumber(bytes, 4);
  const uint64_t crc = TakeNumber(bytes, 4);
  if (length != bytes.size()) {
    return absl::DataLossError(
        fmt::format("{} of {} bytes", bytes.size(), length));
  }
  if (Crc32c(bytes, Crc32c(sealed)) != crc)
    return absl::DataLossError("checksum does not match");
  frame.payload = bytes;
  return frame;
}

absl::StatusOr<Frame> ReadFrame(const boost::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadOwn(path, kMaxPayload + kFrameHeader));
  return Unseal(bytes);
}

}  // namespace metsuke
