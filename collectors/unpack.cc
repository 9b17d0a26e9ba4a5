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
    // As in log_reader.cc.
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

}  // namespace

absl::Status UnpackBlocks(
    const Host& host, const std::string& path, size_t& left,
    const std::function<void(std::string_view)>& take) {
  std::unique_ptr<Unpacker> unpacker;
  if (path.ends_with(".gz")) unpacker = std::make_unique<Gzip>();
  if (path.ends_with(".zst")) unpacker = std::make_unique<Zstd>();
  if (unpacker == nullptr)
    return absl::UnimplementedError(
        fmt::format("{}: only gzip and zstd are read", path));
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
