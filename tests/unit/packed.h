// Compresses, for tests of what reads it.

#ifndef METSUKE_TESTS_UNIT_PACKED_H_
#define METSUKE_TESTS_UNIT_PACKED_H_

#include <bzlib.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <string_view>

namespace metsuke {

// As gzip(1) writes it.
inline std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8,
               Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// As xz(1) writes it.
inline std::string Xz(const std::string& text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(
                LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, nullptr,
                reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                reinterpret_cast<uint8_t*>(packed.data()), &size,
                packed.size()),
            LZMA_OK);
  packed.resize(size);
  return packed;
}

// As bzip2(1) writes it.
inline std::string Bzip2(const std::string& text) {
  std::string packed(text.size() + text.size() / 100 + 600, '\0');
  auto size = static_cast<unsigned>(packed.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(packed.data(), &size,
                                     const_cast<char*>(text.data()),
                                     static_cast<unsigned>(text.size()), 9, 0,
                                     0),
            BZ_OK);
  packed.resize(size);
  return packed;
}

// As zstd(1) writes it.
inline std::string Zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(
      ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

// As the name asks for.
inline std::string Packed(std::string_view name, const std::string& text) {
  if (name.ends_with(".gz")) return Gzip(text);
  if (name.ends_with(".xz")) return Xz(text);
  if (name.ends_with(".bz2")) return Bzip2(text);
  return name.ends_with(".zst") ? Zstd(text) : text;
}

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_PACKED_H_
