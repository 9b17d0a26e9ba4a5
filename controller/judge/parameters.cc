#include "controller/judge/parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/str_replace.h"

namespace metsuke {
namespace {

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name[0] >= 'a' &&
         name[0] <= 'z' && std::ranges::all_of(name, IsNameByte);
}

// Where what begins at `at` ends: a text or a name in quotes, a comment, or one
// byte of anything else.
size_t EndOfPart(const std::string& sql, size_t at) {
  const char c = sql[at];
  size_t end = at + 1;
  if (c == '\'' || c == '"' || c == '`')
    end = sql.find(c, end);
  else if (c == '[')
    end = sql.find(']', end);
  else if (sql.compare(at, 2, "--") == 0)
    end = sql.find('\n', end);
  else if (sql.compare(at, 2, "/*") == 0)
    end = sql.find("*/", end);
  else
    return end;
  return end == sql.npos ? sql.size() : end + 1;
}

}  // namespace

absl::Status Parameters::Set(const v1::Parameter& parameter) {
  if (!IsName(parameter.name()))
    return absl::InvalidArgumentError(
        "the name of a parameter is lower-case words joined by \"_\"");
  if (!parameter.has_number())
    return absl::InvalidArgumentError("number is missing");
  known_[parameter.name()] = parameter.number();
  return absl::OkStatus();
}

bool Parameters::HasAllOf(const v1::Control& control) const {
  return Expand(control.applies()).ok() && Expand(control.violations()).ok() &&
         std::ranges::all_of(control.given(), [&](const v1::Parameter& given) {
           return Has(given.name());
         });
}

absl::StatusOr<std::string> Parameters::Expand(const std::string& sql) const {
  std::string expanded;
  for (size_t at = 0; at < sql.size();) {
    if (sql[at] != '$') {
      const size_t end = EndOfPart(sql, at);
      expanded.append(sql, at, end - at);
      at = end;
      continue;
    }
    size_t end = at + 1;
    while (end < sql.size() && IsNameByte(sql[end])) ++end;
    const std::string name = sql.substr(at + 1, end - at - 1);
    const auto known = known_.find(name);
    if (known == known_.end()) return absl::NotFoundError(name);
    expanded += fmt::to_string(known->second);
    at = end;
  }
  return expanded;
}

std::string Parameters::ExpandSentence(const std::string& sentence) const {
  std::string expanded = sentence;
  // Longer names first: one may begin with another.
  for (auto known = known_.rbegin(); known != known_.rend(); ++known)
    absl::StrReplaceAll({{"$" + known->first, fmt::to_string(known->second)}},
                        &expanded);
  return expanded;
}

}  // namespace metsuke
