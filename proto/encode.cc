#include "proto/encode.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <string_view>

#include "proto/utf8.h"

namespace metsuke::enc {
namespace {

// Whether a terminal shows the code point as one visible thing and nothing
// else: categories of UnicodeData that control, format or mean nothing do not.
bool Visible(char32_t point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(point))) {
    case UTF8PROC_CATEGORY_CN:  // unassigned
    case UTF8PROC_CATEGORY_CC:  // control
    case UTF8PROC_CATEGORY_CF:  // format: bidi, zero width, U+FEFF
    case UTF8PROC_CATEGORY_CS:  // surrogate
    case UTF8PROC_CATEGORY_CO:  // private use
    case UTF8PROC_CATEGORY_ZL:  // line separator
    case UTF8PROC_CATEGORY_ZP:  // paragraph separator
      return false;
    default:
      return true;
  }
}

std::string Visibly(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = Utf8Length(bytes);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(bytes[0]));
      bytes.remove_prefix(1);
      continue;
    }
    const char32_t point = Utf8Decode(bytes, length);
    if (point == '\\')
      out += "\\\\";
    else if (Visible(point))
      out += bytes.substr(0, length);
    else if (point < 0x100)
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(point));
    else
      out += fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(point));
    bytes.remove_prefix(length);
  }
  return out;
}

// A code point as JSON writes it: beyond U+FFFF as two surrogates.
std::string JsonEscape(char32_t point) {
  const auto unit = static_cast<uint32_t>(point);
  if (unit < 0x10000) return fmt::format("\\u{:04x}", unit);
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0 + (unit >> 10),
                     0xDC00 + (unit & 0x3FF));
}

// And YAML, which takes no surrogates.
std::string YamlEscape(char32_t point) {
  const auto unit = static_cast<uint32_t>(point);
  return unit < 0x10000 ? fmt::format("\\u{:04x}", unit)
                        : fmt::format("\\U{:08x}", unit);
}

// A string in double quotes with the escapes that JSON and YAML share. What is
// not visible is escaped although both would take it: documents are looked at
// on terminals as well, and whoever parses them gets the same text.
template <typename Escape>
std::string Quoted(std::string_view bytes, Escape escape) {
  const std::string text = ToUtf8(bytes);
  std::string_view rest = text;
  std::string out = "\"";
  while (!rest.empty()) {
    const size_t length = Utf8Length(rest);
    const char32_t point = Utf8Decode(rest, length);
    if (point == '"' || point == '\\')
      (out += '\\') += static_cast<char>(point);
    else if (point == '\n')
      out += "\\n";
    else if (point == '\t')
      out += "\\t";
    else if (Visible(point))
      out += rest.substr(0, length);
    else
      out += escape(point);
    rest.remove_prefix(length);
  }
  return out + '"';
}

}  // namespace

std::string Tty(const HostText& text) { return Visibly(text.raw()); }

std::string Log(const HostText& text) { return Visibly(text.raw()); }

std::string Json(const HostText& text) {
  return Quoted(text.raw(), JsonEscape);
}

std::string Yaml(const HostText& text) {
  return Quoted(text.raw(), YamlEscape);
}

std::string Csv(const HostText& text) {
  const std::string clean = ToUtf8(text.raw());
  std::string out = "\"";
  if (!clean.empty() && std::string_view("=+-@\t\r").find(clean[0]) !=
                            std::string_view::npos)
    out += '\'';
  for (const char c : clean) {
    if (c == '"') out += '"';
    if (c != '\0') out += c;
  }
  return out + '"';
}

std::string Html(const HostText& text) {
  std::string out;
  for (const char c : Visibly(text.raw())) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace metsuke::enc
