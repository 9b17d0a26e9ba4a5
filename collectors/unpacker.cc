#include "collectors/unpacker.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

namespace metsuke {
namespace {

// Takes off what a library used of the bytes it was given, of which `left` are
// left, and cuts the block to what it filled.
void Took(size_t left, size_t room, std::string_view& packed,
          std::string& block) {
  packed.remove_prefix(packed.size() - left);
  block.erase(block.size() - std::min(room, block.size()));
}

class Gzip : public Unpacker {
 public:
  Gzip() { inflateInit2(&stream_, 15 + 16); }
  ~Gzip() override { inflateEnd(&stream_); }

 private:
  Step Unpack(std::string_view& packed, std::string& block) override {
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(block.data());
    stream_.avail_out = static_cast<uInt>(block.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    Took(stream_.avail_in, stream_.avail_out, packed, block);
    if (code == Z_STREAM_END) {
      inflateReset(&stream_);
      return Step::kEnd;
    }
    // Z_BUF_ERROR: there was nothing left to read.
    return code == Z_OK || (code == Z_BUF_ERROR && packed.empty()) ? Step::kOn
                                                                   : Step::kBad;
  }

  z_stream stream_{};
};

class Xz : public Unpacker {
 public:
  Xz() { Begin(); }
  ~Xz() override { lzma_end(&stream_); }

 private:
  // Level 9 takes 65 MiB, the usual 6 takes 9.
  static constexpr uint64_t kMostMemory = 72 << 20;

  bool Begin() {
    good_ = lzma_stream_decoder(&stream_, kMostMemory, 0) == LZMA_OK;
    return good_;
  }

  Step Unpack(std::string_view& packed, std::string& block) override {
    if (!good_) return Step::kTooLarge;
    stream_.next_in = reinterpret_cast<const uint8_t*>(packed.data());
    stream_.avail_in = packed.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(block.data());
    stream_.avail_out = block.size();
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    Took(stream_.avail_in, stream_.avail_out, packed, block);
    if (code == LZMA_STREAM_END) return Begin() ? Step::kEnd : Step::kTooLarge;
    if (code == LZMA_MEMLIMIT_ERROR || code == LZMA_MEM_ERROR)
      return Step::kTooLarge;
    return code == LZMA_OK || (code == LZMA_BUF_ERROR && packed.empty())
               ? Step::kOn
               : Step::kBad;
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool good_ = false;
};

class Bzip2 : public Unpacker {
 public:
  Bzip2() { Begin(); }
  ~Bzip2() override { BZ2_bzDecompressEnd(&stream_); }

 private:
  bool Begin() {
    stream_ = {};
    good_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
    return good_;
  }

  Step Unpack(std::string_view& packed, std::string& block) override {
    if (!good_) return Step::kTooLarge;
    stream_.next_in = const_cast<char*>(packed.data());
    stream_.avail_in = static_cast<unsigned>(packed.size());
    stream_.next_out = block.data();
    stream_.avail_out = static_cast<unsigned>(block.size());
    const int code = BZ2_bzDecompress(&stream_);
    Took(stream_.avail_in, stream_.avail_out, packed, block);
    if (code == BZ_MEM_ERROR) return Step::kTooLarge;
    if (code != BZ_STREAM_END) return code == BZ_OK ? Step::kOn : Step::kBad;
    BZ2_bzDecompressEnd(&stream_);
    return Begin() ? Step::kEnd : Step::kTooLarge;
  }

  bz_stream stream_;
  bool good_ = false;
};

class Zstd : public Unpacker {
 public:
  Zstd() : stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
    // A window of 8 MiB is what zstd itself uses up to level 19.
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, 23);
  }

 private:
  Step Unpack(std::string_view& packed, std::string& block) override {
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{block.data(), block.size(), 0};
    const size_t code = ZSTD_decompressStream(stream_.get(), &out, &in);
    Took(in.size - in.pos, out.size - out.pos, packed, block);
    const ZSTD_ErrorCode error = ZSTD_getErrorCode(code);
    if (error == ZSTD_error_frameParameter_windowTooLarge ||
        error == ZSTD_error_memory_allocation)
      return Step::kTooLarge;
    if (error != ZSTD_error_no_error) return Step::kBad;
    return code == 0 ? Step::kEnd : Step::kOn;
  }

  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
};

}  // namespace

Unpacker::Result Unpacker::Fill(std::string_view& packed, std::string& block) {
  // gzip, xz and tapes pad members with zeros.
  if (ended_)
    packed.remove_prefix(
        std::min(packed.find_first_not_of('\0'), packed.size()));
  const size_t before = packed.size();
  // A library that is given nothing would think that the next member begins.
  if (ended_ && before == 0) {
    block.clear();
    return Result::kGood;
  }
  block.resize(kBlock);
  const Step step = Unpack(packed, block);
  if (step == Step::kBad) return Result::kBad;
  if (step == Step::kTooLarge) {
    block.clear();
    return Result::kTooLarge;
  }
  if (step == Step::kEnd || packed.size() != before || !block.empty())
    ended_ = step == Step::kEnd;
  return Result::kGood;
}

std::unique_ptr<Unpacker> UnpackerOf(std::string_view name) {
  if (name.ends_with(".gz")) return std::make_unique<Gzip>();
  if (name.ends_with(".xz")) return std::make_unique<Xz>();
  if (name.ends_with(".bz2")) return std::make_unique<Bzip2>();
  if (name.ends_with(".zst")) return std::make_unique<Zstd>();
  return nullptr;
}

}  // namespace metsuke
