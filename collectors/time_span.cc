#include "collectors/time_span.h"

#include <algorithm>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int64_t kSecond = 1'000'000;
// A year has 365.25 days and a month a twelfth of them.
constexpr int64_t kYear = 31'557'600 * kSecond;

struct Unit {
  std::string_view name;
  int64_t micros;
};

constexpr Unit kUnits[] = {
    {"", kSecond},
    {"us", 1},
    {"µs", 1},
    {"μs", 1},
    {"usec", 1},
    {"ms", 1000},
    {"msec", 1000},
    {"s", kSecond},
    {"sec", kSecond},
    {"second", kSecond},
    {"seconds", kSecond},
    {"m", 60 * kSecond},
    {"min", 60 * kSecond},
    {"minute", 60 * kSecond},
    {"minutes", 60 * kSecond},
    {"h", 3600 * kSecond},
    {"hr", 3600 * kSecond},
    {"hour", 3600 * kSecond},
    {"hours", 3600 * kSecond},
    {"d", 86400 * kSecond},
    {"day", 86400 * kSecond},
    {"days", 86400 * kSecond},
    {"w", 7 * 86400 * kSecond},
    {"week", 7 * 86400 * kSecond},
    {"weeks", 7 * 86400 * kSecond},
    {"M", kYear / 12},
    {"month", kYear / 12},
    {"months", kYear / 12},
    {"y", kYear},
    {"year", kYear},
    {"years", kYear},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the longest prefix of `text` whose characters are all `kind`.
template <typename Kind>
std::string_view Take(std::string_view& text, Kind kind) {
  const auto end = std::ranges::find_if_not(text, kind);
  const std::string_view taken = text.substr(0, end - text.begin());
  text.remove_prefix(taken.size());
  return taken;
}

// `micros` times the decimal number WHOLE.FRACTION.
std::optional<int64_t> Times(int64_t micros, std::string_view whole,
                             std::string_view fraction) {
  const std::optional<int64_t> number = whole.empty() ? 0 : Number(whole);
  int64_t product = 0;
  if (!number || __builtin_mul_overflow(*number, micros, &product))
    return std::nullopt;
  for (const char digit : fraction) {
    micros /= 10;
    if (__builtin_add_overflow(product, micros * (digit - '0'), &product))
      return std::nullopt;
  }
  return product;
}

}  // namespace

std::optional<int64_t> TimeSpan(std::string_view text) {
  text = Strip(text);
  if (text == "infinity") return INT64_MAX;
  if (text.empty()) return std::nullopt;
  int64_t sum = 0;
  while (!text.empty()) {
    if (text.front() == '+') text.remove_prefix(1);
    const std::string_view whole = Take(text, IsDigit);
    std::string_view fraction;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      fraction = Take(text, IsDigit);
      if (fraction.empty()) return std::nullopt;
    } else if (whole.empty()) {
      return std::nullopt;
    }
    text = Strip(text);
    const std::string_view name = Take(text, [](char c) {
      return !IsDigit(c) && c != ' ' && c != '\t' && c != '+' && c != '.';
    });
    text = Strip(text);
    const auto unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == std::end(kUnits)) return std::nullopt;
    const std::optional<int64_t> part = Times(unit->micros, whole, fraction);
    if (!part || __builtin_add_overflow(sum, *part, &sum)) return std::nullopt;
  }
  return sum;
}

}  // namespace metsuke
