// Lines and words of configuration files. What they return points into the
// text they were given.

#ifndef METSUKE_COLLECTORS_WORDS_H_
#define METSUKE_COLLECTORS_WORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

// `text` without blanks (space, tab, CR, LF, FF, VT) at both ends.
std::string_view Strip(std::string_view text);

// The lines of `text` without their newlines; the text after the last newline
// is a line when it is not empty.
std::vector<std::string_view> Lines(std::string_view text);

// The pieces between runs of blanks; none is empty.
std::vector<std::string_view> Words(std::string_view text);

// `text` cut at each `separator`, empty pieces included; one piece at least.
std::vector<std::string_view> Pieces(std::string_view text, char separator);

// `text` with A-Z turned into a-z.
std::string Lower(std::string_view text);

// The decimal number that all of `text` is, with an optional sign; nothing
// when it is none or does not fit.
std::optional<int64_t> Number(std::string_view text);

// Adds `part` to `text`, whose parts are joined by "; "; not when it is empty.
void AddPart(std::string& text, std::string_view part);

// `value` rounded down to two significant digits: 98765 becomes 98000. For
// sizes that grow all the time.
int64_t TwoDigits(int64_t value);
// The same with one.
int64_t OneDigit(int64_t value);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_WORDS_H_
