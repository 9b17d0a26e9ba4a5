// Text that a person writes for other people: names, reasons.

#ifndef METSUKE_PROTO_PLAIN_TEXT_H_
#define METSUKE_PROTO_PLAIN_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace metsuke {

// OK when `text` is UTF-8 of at most `most` characters that can all be seen, or
// are spaces within: nothing that controls a terminal or turns the direction of
// writing. InvalidArgument says what is wrong, as the end of a sentence.
absl::Status CheckPlainText(std::string_view text, size_t most);

// Whether it is lower-case words and numbers joined by "-", at most 64 bytes.
bool IsId(std::string_view text);

// The same for names that a person would take for the same: without regard to
// case and width (NFKC_Casefold of Unicode).
std::string Folded(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_PROTO_PLAIN_TEXT_H_
