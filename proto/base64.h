// Base64 (RFC 4648, section 4).

#ifndef METSUKE_PROTO_BASE64_H_
#define METSUKE_PROTO_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace metsuke {

// In one line, with its padding.
std::string ToBase64(std::string_view bytes);

// Nothing when `text` is empty, is longer than 64 KiB or is no base64 with its
// padding.
std::optional<std::string> FromBase64(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_PROTO_BASE64_H_
