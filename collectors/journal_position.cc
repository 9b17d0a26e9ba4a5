#include "collectors/journal_position.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "collectors/words.h"

namespace metsuke {
namespace {

template <typename Number>
bool ReadHex(std::string_view text, Number& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc() && end == text.data() + text.size();
}

bool ReadId(std::string_view text, JournalPosition::Id& id) {
  if (text.size() != 2 * id.size()) return false;
  for (size_t i = 0; i < id.size(); ++i)
    if (!ReadHex(text.substr(2 * i, 2), id[i])) return false;
  return true;
}

std::string Hex(const JournalPosition::Id& id) {
  std::string text;
  for (const uint8_t byte : id) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

std::string JournalPosition::Cursor() const {
  return fmt::format("s={};i={:x};b={};m={:x};t={:x};x={:x}", Hex(numbering),
                     number, Hex(boot), monotonic, time, content);
}

std::optional<JournalPosition> JournalPosition::FromCursor(
    std::string_view cursor) {
  JournalPosition position;
  for (const std::string_view part : Pieces(cursor, ';')) {
    if (part.size() < 3 || part[1] != '=') continue;
    const std::string_view value = part.substr(2);
    const bool good = part[0] == 's'   ? ReadId(value, position.numbering)
                      : part[0] == 'i' ? ReadHex(value, position.number)
                      : part[0] == 'b' ? ReadId(value, position.boot)
                      : part[0] == 'm' ? ReadHex(value, position.monotonic)
                      : part[0] == 't' ? ReadHex(value, position.time)
                      : part[0] == 'x' && ReadHex(value, position.content);
    if (!good) return std::nullopt;
  }
  for (const std::string_view part : {"s=", "i=", "b=", "m=", "t=", "x="})
    if (cursor.find(part) == cursor.npos) return std::nullopt;
  return position;
}

std::string JournalPosition::Bytes() const {
  return std::string(reinterpret_cast<const char*>(this), sizeof *this);
}

JournalPosition JournalPosition::FromBytes(std::string_view bytes) {
  JournalPosition position;
  if (bytes.size() == sizeof position)
    memcpy(static_cast<void*>(&position), bytes.data(), sizeof position);
  return position;
}

}  // namespace metsuke
