#include "controller/judge/select_list.h"

#include <algorithm>
#include <functional>

#include "absl/strings/ascii.h"

namespace metsuke {
namespace {

// Behind a quoted text or name, or a comment, that begins at `at`; `at` when
// none does. One without an end goes to the end of the text.
size_t BehindQuoted(std::string_view sql, size_t at) {
  const auto behind = [&](std::string_view end, size_t from) {
    const size_t found = sql.find(end, from);
    return found == sql.npos ? sql.size() : found + end.size();
  };
  switch (sql[at]) {
    // A quote within is doubled, and then another text begins at once.
    case '\'':
    case '"':
    case '`':
      return behind(sql.substr(at, 1), at + 1);
    case '[':
      return behind("]", at + 1);
    case '-':
      return sql.substr(at).starts_with("--") ? behind("\n", at) : at;
    case '/':
      return sql.substr(at).starts_with("/*") ? behind("*/", at + 2) : at;
    default:
      return at;
  }
}

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// Hands over each word outside of quotes and comments in lower case, with how
// deep in parentheses it stands and where it begins, until `take` says false.
void ForWords(std::string_view sql,
              const std::function<bool(const std::string& word, int depth,
                                       size_t at)>& take) {
  int depth = 0;
  for (size_t at = 0; at < sql.size();) {
    if (const size_t behind = BehindQuoted(sql, at); behind != at) {
      at = behind;
      continue;
    }
    depth += (sql[at] == '(') - (sql[at] == ')');
    size_t end = at;
    while (end < sql.size() && IsWordCharacter(sql[end])) ++end;
    if (end == at) {
      ++at;
      continue;
    }
    const std::string word =
        absl::AsciiStrToLower(std::string(sql.substr(at, end - at)));
    if (!take(word, depth, at)) return;
    at = end;
  }
}

}  // namespace

std::optional<std::string> WithoutList(std::string_view sql) {
  // HAVING, as what is grouped may be named by its place in the list; a column
  // of the list may have the name of a constant, which it then hides.
  constexpr std::string_view kRefused[] = {
      "with",   "values", "union", "except", "intersect",
      "having", "limit",  "true",  "false"};
  // Where SQLite's words end at these is not known here.
  if (std::any_of(sql.begin(), sql.end(), [](char c) {
        return std::string_view("?:@$#").find(c) != std::string_view::npos ||
               static_cast<unsigned char>(c) >= 0x80;
      }))
    return std::nullopt;
  bool plain = true;
  std::optional<size_t> select, from;
  ForWords(sql, [&](const std::string& word, int depth, size_t at) {
    if (depth > 0) {
      plain = word != "true" && word != "false";
      return plain;
    }
    if (word == "select" && !select)
      select = at;
    else if (word == "from" && !from)
      from = at;
    plain = select && std::find(std::begin(kRefused), std::end(kRefused),
                                word) == std::end(kRefused);
    return plain;
  });
  if (!plain || !from) return std::nullopt;
  return "SELECT 1 " + std::string(sql.substr(*from));
}

bool JoinsByName(std::string_view sql) {
  bool found = false;
  ForWords(sql, [&](const std::string& word, int, size_t) {
    found = word == "natural" || word == "using";
    return !found;
  });
  return found;
}

}  // namespace metsuke
