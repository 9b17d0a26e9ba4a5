#include "collectors/unpack.h"

#include <fmt/format.h>

#include <algorithm>

#include "collectors/unpacker.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kRead = 256 << 10;
constexpr size_t kLeast = 1 << 10;  // what a step counts for

absl::Status TooLarge(const std::string& path) {
  return absl::ResourceExhaustedError(fmt::format(
      "{}: more memory is needed to unpack it than is allowed", path));
}

}  // namespace

bool IsPacked(std::string_view name) {
  constexpr std::string_view kSuffixes[] = {".gz", ".zst", ".xz", ".bz2",
                                            ".lz4"};
  return std::ranges::any_of(
      kSuffixes, [&](auto suffix) { return name.ends_with(suffix); });
}

absl::Status CheckPacking(const std::string& path) {
  if (UnpackerOf(path) != nullptr) return absl::OkStatus();
  return absl::UnimplementedError(
      fmt::format("{}: only gzip, xz, bzip2 and zstd are read", path));
}

absl::StatusOr<std::string> Unpack(const std::string& name,
                                   std::string_view bytes, size_t most) {
  std::string text, block;
  const auto unpacker = UnpackerOf(name);
  if (unpacker == nullptr) return text;
  auto result = Unpacker::Result::kGood;
  do {
    result = unpacker->Fill(bytes, block);
    text.append(block, 0, most - text.size());
  } while (result == Unpacker::Result::kGood && text.size() < most &&
           (!bytes.empty() || block.size() == Unpacker::kBlock));
  if (result == Unpacker::Result::kTooLarge) return TooLarge(name);
  return text;
}

absl::StatusOr<std::string> UnpackHead(const Host& host,
                                       const std::string& path, size_t most) {
  RETURN_IF_ERROR(CheckPacking(path));
  // Nothing comes out before there is a whole block, of 900 kB with bzip2 and of
  // 128 KiB with zstd.
  const size_t length =
      std::max<size_t>(most, path.ends_with(".bz2") ? 1 << 20 : 160 << 10);
  ASSIGN_OR_RETURN(const std::string bytes, host.ReadBytes(path, 0, length));
  return Unpack(path, bytes, most);
}

absl::Status UnpackBlocks(const Host& host, const std::string& path,
                          size_t& left,
                          const std::function<void(std::string_view)>& take,
                          std::chrono::steady_clock::time_point until) {
  RETURN_IF_ERROR(CheckPacking(path));
  const auto unpacker = UnpackerOf(path);
  std::string block;
  const size_t most = left;
  for (int64_t at = 0;; at += static_cast<int64_t>(kRead)) {
    ASSIGN_OR_RETURN(const std::string bytes, host.ReadBytes(path, at, kRead));
    if (bytes.empty() && !unpacker->ended())
      return absl::DataLossError(fmt::format("{}: is cut off", path));
    if (bytes.empty()) return absl::OkStatus();
    if (static_cast<size_t>(at) > most) left = 0;
    std::string_view packed = bytes;
    do {
      if (left == 0)
        return absl::ResourceExhaustedError(
            fmt::format("{}: too much to unpack", path));
      if (std::chrono::steady_clock::now() >= until)
        return absl::DeadlineExceededError(
            fmt::format("{}: takes too long to unpack", path));
      const Unpacker::Result result = unpacker->Fill(packed, block);
      take(block);
      if (result == Unpacker::Result::kTooLarge)
        return TooLarge(path);
      if (result == Unpacker::Result::kBad)
        return absl::InvalidArgumentError(
            fmt::format("{}: cannot be unpacked", path));
      // Members that hold nothing cost something, too.
      left -= std::min(left, std::max(block.size(), kLeast));
    } while (!packed.empty() || block.size() == Unpacker::kBlock);
  }
}

}  // namespace metsuke
