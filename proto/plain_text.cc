#include "proto/plain_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_replace.h"
#include "proto/encode.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// Whether the encoder for terminals lets all of it through. It doubles a
// backslash, which can be seen.
bool CanBeSeen(std::string_view text) {
  const std::string shown = enc::Tty(HostText(std::string(text)));
  return absl::StrReplaceAll(shown, {{"\\\\", "\\"}}) == text;
}

size_t Characters(std::string_view text) {
  size_t count = 0;
  for (size_t length; (length = Utf8Length(text)) != 0; ++count)
    text.remove_prefix(length);
  return count;
}

bool IsSpace(std::string_view text, size_t length) {
  return length != 0 && utf8proc_category(static_cast<utf8proc_int32_t>(
                            Utf8Decode(text, length))) == UTF8PROC_CATEGORY_ZS;
}

// Whether it begins or ends with a space of any width.
bool HasOuterSpace(std::string_view text) {
  if (IsSpace(text, Utf8Length(text))) return true;
  size_t last = text.size();
  while (last > 0 && (text[last - 1] & 0xC0) == 0x80) --last;
  if (last == 0) return false;
  const std::string_view end = text.substr(last - 1);
  return IsSpace(end, Utf8Length(end));
}

}  // namespace

absl::Status CheckPlainText(std::string_view text, size_t most) {
  if (ToUtf8(text) != text || !CanBeSeen(text))
    return absl::InvalidArgumentError(
        "must be text in UTF-8 without control characters");
  if (HasOuterSpace(text))
    return absl::InvalidArgumentError("must not begin or end with a space");
  if (Characters(text) > most)
    return absl::InvalidArgumentError(
        fmt::format("must be at most {} characters", most));
  return absl::OkStatus();
}

bool IsId(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '-' ||
      text.back() == '-' || text.find("--") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string Folded(std::string_view text) {
  const std::string copy(text);
  utf8proc_uint8_t* folded = utf8proc_NFKC_Casefold(
      reinterpret_cast<const utf8proc_uint8_t*>(copy.c_str()));
  if (folded == nullptr) return copy;
  std::string result(reinterpret_cast<const char*>(folded));
  std::free(folded);
  return result;
}

}  // namespace metsuke
