#include "collectors/shell_variables.h"

#include <optional>

#include "collectors/words.h"

namespace metsuke {
namespace {

using Variables = std::map<std::string, std::string>;

// A shell would let values double with each line.
constexpr size_t kMaxValue = 4096;

size_t NameEnd(std::string_view text, size_t at) {
  while (at < text.size() &&
         ((text[at] >= 'a' && text[at] <= 'z') || text[at] == '_' ||
          (text[at] >= 'A' && text[at] <= 'Z') ||
          (text[at] >= '0' && text[at] <= '9')))
    ++at;
  return at;
}

// What the "$" at `at` stands for, and past it.
std::optional<std::string> Expand(std::string_view text, size_t& at,
                                  const Variables& variables) {
  const bool braces = text.substr(at).starts_with("${");
  const size_t start = at + (braces ? 2 : 1), end = NameEnd(text, start);
  if (end == start || (braces && !text.substr(end).starts_with('}'))) return {};
  at = end + (braces ? 1 : 0);
  const auto known =
      variables.find(std::string(text.substr(start, end - start)));
  return known == variables.end() ? "" : known->second;
}

std::optional<std::string> Value(std::string_view text,
                                 const Variables& variables) {
  std::string value;
  char quote = 0;
  for (size_t at = 0; at < text.size();) {
    if (value.size() > kMaxValue) return {};
    const char c = text[at];
    if (quote ? c == quote : c == '"' || c == '\'') {
      quote = quote ? 0 : c;
      ++at;
    } else if (c == '`') {
      return {};
    } else if (c == '$' && quote != '\'') {
      const auto expanded = Expand(text, at, variables);
      if (!expanded) return {};
      value += *expanded;
    } else if (!quote && (c == ' ' || c == '\t' || c == ';')) {
      break;
    } else {
      value += c;
      ++at;
    }
  }
  return value;
}

}  // namespace

std::map<std::string, std::string> ShellVariables(std::string_view text) {
  Variables variables;
  for (std::string_view line : Lines(text)) {
    line = Strip(line);
    if (line.starts_with("export ")) line = Strip(line.substr(7));
    const size_t end = NameEnd(line, 0);
    if (end == 0 || !line.substr(end).starts_with('=')) continue;
    const std::string name(line.substr(0, end));
    if (auto value = Value(line.substr(end + 1), variables))
      variables[name] = *std::move(value);
    else
      variables.erase(name);
  }
  return variables;
}

}  // namespace metsuke
