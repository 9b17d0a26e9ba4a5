// UTF-8 (RFC 3629).

#ifndef METSUKE_PROTO_UTF8_H_
#define METSUKE_PROTO_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace metsuke {

// Bytes in the UTF-8 sequence `text` starts with; 0 when it starts with none.
size_t Utf8Length(std::string_view text);

// The code point of the sequence `text` starts with; `length` is what
// Utf8Length says of it and not 0.
char32_t Utf8Decode(std::string_view text, size_t length);

// The beginning of `text`, at most `most` bytes and no part of a character.
std::string_view Utf8Prefix(std::string_view text, size_t most);

// `bytes` with U+FFFD for each byte that is in no UTF-8 sequence.
std::string ToUtf8(std::string_view bytes);

}  // namespace metsuke

#endif  // METSUKE_PROTO_UTF8_H_
