// Instants: seconds since 1970-01-01 UTC, and how people write them.

#ifndef METSUKE_PROTO_INSTANT_H_
#define METSUKE_PROTO_INSTANT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace metsuke {

// "2026-01-31T12:00:00Z" (RFC 3339). An instant outside the years 0000 to
// 9999, which RFC 3339 cannot write, is its number of seconds.
std::string Rfc3339(int64_t instant);

// Reads "2026-01-31" (midnight UTC) or "2026-01-31T12:00:00Z", also as
// "2026-01-31T21:00:00.5+09:00" (RFC 3339), to the whole second that has begun;
// nothing when `text` is none of them or no such day exists.
std::optional<int64_t> ParseInstant(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_PROTO_INSTANT_H_
