// Compresses, for tests of what reads it.

#ifndef METSUKE_TESTS_UNIT_GZIP_H_
#define METSUKE_TESTS_UNIT_GZIP_H_

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

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

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_GZIP_H_
