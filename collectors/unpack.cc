#include "collectors/unpack.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kRead = 256 << 10;
constexpr size_t kBlock = 32 << 10;

// What turns packed bytes into a block of what they hold.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // Fills `block` from `packed`, of which it takes off what it used: one of the
  // two to its end. False when the bytes are none of its format.
  virtual bool Fill(std::string_view& packed, std::string& block) = 0;
};

class Gzip : public Unpacker {
 public:
  Gzip() { inflateInit2(&stream_, 15 + 16); }
  ~Gzip() override { inflateEnd(&stream_); }

  bool Fill(std::string_view& packed, std::string& block) override {
    block.resize(kBlock);
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(block.data());
    stream_.avail_out = static_cast<uInt>(block.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    packed.remove_prefix(packed.size() - stream_.avail_in);
    block.resize(kBlock - stream_.avail_out);
    // A file may have several members, one behind the other (RFC 1952, 2.2).
    if (code == Z_STREAM_END) inflateReset(&stream_);
    // Z_BUF_ERROR: there was nothing left to read.
    return code == Z_OK || code == Z_STREAM_END ||
           (code == Z_BUF_ERROR && packed.empty());
  }

 private:
  z_stream stream_{};
};

class Zstd : public Unpacker {
 public:
  Zstd() : stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
    // A window of 8 MiB is what zstd itself uses up to level 19.
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, 23);
  }

  bool Fill(std::string_view& packed, std::string& block) override {
    block.resize(kBlock);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{block.data(), block.size(), 0};
    const size_t code = ZSTD_decompressStream(stream_.get(), &out, &in);
    packed.remove_prefix(in.pos);
    block.resize(out.pos);
    return !ZSTD_isError(code);
  }

 private:
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
};

std::unique_ptr<Unpacker> UnpackerOf(std::string_view name) {
  if (name.ends_with(".gz")) return std::make_unique<Gzip>();
  return std::make_unique<Zstd>();
}

}  // namespace

bool IsPacked(std::string_view name) {
  constexpr std::string_view kSuffixes[] = {".gz", ".zst", ".xz", ".bz2",
                                            ".lz4"};
  return std::ranges::any_of(
      kSuffixes, [&](auto suffix) { return name.ends_with(suffix); });
}

absl::Status CheckPacking(const std::string& path) {
  if (path.ends_with(".gz") || path.ends_with(".zst")) return absl::OkStatus();
  return absl::UnimplementedError(
      fmt::format("{}: only gzip and zstd are read", path));
}

std::string Unpack(std::string_view name, std::string_view bytes, size_t most) {
  const auto unpacker = UnpackerOf(name);
  std::string text, block;
  do {
    const bool good = unpacker->Fill(bytes, block);
    text.append(block, 0, most - text.size());
    if (!good) break;
  } while (text.size() < most && (!bytes.empty() || block.size() == kBlock));
  return text;
}

absl::StatusOr<std::string> UnpackWhole(const Host& host,
                                        const std::string& path, size_t most) {
  constexpr size_t kMost = 64 << 20;
  RETURN_IF_ERROR(CheckPacking(path));
  ASSIGN_OR_RETURN(const std::string packed,
                   host.ReadBytes(path, 0, kMost + 1));
  std::string bytes = Unpack(path, packed, most + 1);
  if (packed.size() > kMost || bytes.size() > most)
    return absl::ResourceExhaustedError(
        fmt::format("{}: too large to be read as a whole", path));
  return bytes;
}

absl::Status UnpackBlocks(const Host& host, const std::string& path,
                          size_t& left,
                          const std::function<void(std::string_view)>& take) {
  RETURN_IF_ERROR(CheckPacking(path));
  const auto unpacker = UnpackerOf(path);
  std::string block;
  const size_t most = left;
  for (int64_t at = 0;; at += static_cast<int64_t>(kRead)) {
    ASSIGN_OR_RETURN(const std::string bytes, host.ReadBytes(path, at, kRead));
    if (bytes.empty()) return absl::OkStatus();
    if (static_cast<size_t>(at) > most) left = 0;
    std::string_view packed = bytes;
    do {
      if (left == 0)
        return absl::ResourceExhaustedError(
            fmt::format("{}: too much to unpack", path));
      if (!unpacker->Fill(packed, block))
        return absl::InvalidArgumentError(
            fmt::format("{}: cannot be unpacked", path));
      take(block);
      left -= std::min(left, block.size());
    } while (!packed.empty() || block.size() == kBlock);
  }
}

}  // namespace metsuke
