// How a record stands in a file: sealed, so that a flipped bit or a cut is
// seen when it is read back.

#ifndef METSUKE_AGENT_FRAME_H_
#define METSUKE_AGENT_FRAME_H_

#include <boost/filesystem/path.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke {

struct Frame {
  // The spool's identity, 16 bytes.
  std::string stream;
  uint64_t seq = 0;
  // At most kMaxPayload bytes.
  std::string payload;
};

inline constexpr size_t kStreamSize = 16;
inline constexpr size_t kMaxPayload = 1 << 20;
inline constexpr size_t kFrameHeader = 8 + kStreamSize + 8 + 4 + 4;

// Eight bytes that say what it is, stream, seq, length, CRC-32C over all of
// it, payload; numbers are little-endian.
std::string Seal(const Frame& frame);

// The inverse; DataLoss, with what is wrong, for anything Seal did not make.
absl::StatusOr<Frame> Unseal(std::string_view bytes);

// Unseal of the file at `path`; the error of ReadOwn when it cannot be read.
absl::StatusOr<Frame> ReadFrame(const boost::filesystem::path& path);

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, going on from `crc`.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace metsuke

#endif  // METSUKE_AGENT_FRAME_H_
