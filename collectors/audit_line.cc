#include "collectors/audit_line.h"

#include <charconv>

namespace metsuke {
namespace {

// Takes `word` from the beginning of `text`.
bool Skip(std::string_view word, std::string_view& text) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// Takes what stands before the next `end`, and that.
std::optional<std::string_view> TakeUntil(char end, std::string_view& text) {
  const size_t at = text.find(end);
  if (at == 0 || at == text.npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

bool ReadNumber(std::optional<std::string_view> text, uint64_t& number) {
  if (!text) return false;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() && end == text->data() + text->size();
}

}  // namespace

std::optional<AuditLine> ReadAuditLine(std::string_view line) {
  AuditLine read;
  if (Skip("node=", line)) {
    const auto node = TakeUntil(' ', line);
    if (!node) return std::nullopt;
    read.node = *node;
  }
  if (!Skip("type=", line)) return std::nullopt;
  const auto type = TakeUntil(' ', line);
  if (!type || !Skip("msg=audit(", line)) return std::nullopt;
  read.type = *type;
  uint64_t seconds = 0, milliseconds = 0;
  const bool good = ReadNumber(TakeUntil('.', line), seconds) &&
                    ReadNumber(TakeUntil(':', line), milliseconds) &&
                    ReadNumber(TakeUntil(')', line), read.stamp.serial) &&
                    Skip(":", line) && seconds < uint64_t{1} << 40 &&
                    milliseconds < 1000;
  if (!good) return std::nullopt;
  read.stamp.milliseconds = seconds * 1000 + milliseconds;
  read.rest = line;
  return read;
}

}  // namespace metsuke
