// Spans of time as systemd writes them.

#ifndef METSUKE_COLLECTORS_TIME_SPAN_H_
#define METSUKE_COLLECTORS_TIME_SPAN_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace metsuke {

// The microseconds that `text` spans, such as "1d 12h", "0.5h" or, in seconds,
// "90" (systemd.time(7), PARSING TIME SPANS); INT64_MAX for "infinity". Nothing
// when systemd would not take it.
std::optional<int64_t> TimeSpan(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_TIME_SPAN_H_
