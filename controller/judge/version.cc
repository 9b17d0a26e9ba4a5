#include "controller/judge/version.h"

#include <algorithm>
#include <compare>
#include <optional>

namespace metsuke {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Takes the longest prefix of `text` whose characters are all `kind`.
std::string_view Take(std::string_view& text, bool (*kind)(char)) {
  size_t length = 0;
  while (length < text.size() && kind(text[length])) ++length;
  const std::string_view prefix = text.substr(0, length);
  text.remove_prefix(length);
  return prefix;
}

int Sign(std::strong_ordering order) {
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// Numbers of any length; the empty one is 0.
int CompareNumbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return Sign(a <=> b);
}

struct Parts {
  std::string_view epoch;
  std::string_view version;
  // Debian's revision, rpm's release.
  std::optional<std::string_view> release;
};

Parts Split(std::string_view text) {
  Parts parts;
  std::string_view rest = text;
  const std::string_view epoch = Take(rest, IsDigit);
  if (rest.starts_with(':')) {
    parts.epoch = epoch;
    text = rest.substr(1);
  }
  const size_t dash = text.rfind('-');
  parts.version = text.substr(0, dash);
  if (dash != std::string_view::npos) parts.release = text.substr(dash + 1);
  return parts;
}

// "~" sorts before the end of a part, letters after the end, and everything
// else after letters.
int DebOrder(std::string_view text) {
  if (text.empty() || IsDigit(text[0])) return 0;
  if (text[0] == '~') return -1;
  const int c = static_cast<unsigned char>(text[0]);
  return IsAlpha(text[0]) ? c : c + 256;
}

// Parts are runs of non-digits and numbers in turn.
int CompareDebPart(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    while (DebOrder(a) != 0 || DebOrder(b) != 0) {
      if (DebOrder(a) != DebOrder(b)) return DebOrder(a) < DebOrder(b) ? -1 : 1;
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
    const std::string_view number_a = Take(a, IsDigit);
    const std::string_view number_b = Take(b, IsDigit);
    if (const int order = CompareNumbers(number_a, number_b)) return order;
  }
  return 0;
}

bool IsRpmSeparator(char c) {
  return !IsDigit(c) && !IsAlpha(c) && c != '~' && c != '^';
}

// "~" sorts before everything, also before the end; "^" after the end and
// before everything else. Nothing when neither decides; both are then taken.
std::optional<int> CompareRpmMarks(std::string_view& a, std::string_view& b) {
  for (const char mark : {'~', '^'}) {
    const bool in_a = a.starts_with(mark), in_b = b.starts_with(mark);
    if (!in_a && !in_b) continue;
    if (in_a && in_b) {
      a.remove_prefix(1);
      b.remove_prefix(1);
      return 0;
    }
    const bool other_ended = in_a ? b.empty() : a.empty();
    const bool newer = mark == '^' && other_ended;
    return in_a == newer ? 1 : -1;
  }
  return {};
}

// Parts are runs of letters and numbers; other characters only separate.
int CompareRpmPart(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    Take(a, IsRpmSeparator);
    Take(b, IsRpmSeparator);
    if (const auto order = CompareRpmMarks(a, b)) {
      if (*order != 0) return *order;
      continue;
    }
    if (a.empty() || b.empty()) break;
    // A number is newer than letters.
    if (IsDigit(a[0]) != IsDigit(b[0])) return IsDigit(a[0]) ? 1 : -1;
    const auto kind = IsDigit(a[0]) ? IsDigit : IsAlpha;
    const std::string_view run_a = Take(a, kind), run_b = Take(b, kind);
    const int order =
        kind == IsDigit ? CompareNumbers(run_a, run_b) : Sign(run_a <=> run_b);
    if (order != 0) return order;
  }
  return a.empty() == b.empty() ? 0 : a.empty() ? -1 : 1;
}

}  // namespace

int CompareDebVersions(std::string_view a, std::string_view b) {
  const Parts left = Split(a), right = Split(b);
  if (const int order = CompareNumbers(left.epoch, right.epoch)) return order;
  if (const int order = CompareDebPart(left.version, right.version))
    return order;
  return CompareDebPart(left.release.value_or(""), right.release.value_or(""));
}

int CompareRpmVersions(std::string_view a, std::string_view b) {
  const Parts left = Split(a), right = Split(b);
  if (const int order = CompareNumbers(left.epoch, right.epoch)) return order;
  if (const int order = CompareRpmPart(left.version, right.version))
    return order;
  if (!left.release || !right.release)
    return left.release.has_value() - right.release.has_value();
  return CompareRpmPart(*left.release, *right.release);
}

}  // namespace metsuke
