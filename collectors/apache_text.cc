#include "collectors/apache_reader.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

ApacheLine Line(int number, std::string_view text) {
  if (text.starts_with('<') && text.ends_with('>')) text.remove_suffix(1);
  const size_t end = std::min(text.find_first_of(kBlanks), text.size());
  return {number, Lower(text.substr(0, end)),
          std::string(Strip(text.substr(end)))};
}

}  // namespace

std::vector<ApacheLine> ApacheLines(std::string_view text) {
  std::vector<ApacheLine> lines;
  std::string whole;
  int number = 0, first = 1;
  const auto add = [&] {
    const std::string_view line = Strip(whole);
    // A comment too goes on after "\".
    if (!line.empty() && !line.starts_with('#'))
      lines.push_back(Line(first, line));
    whole.clear();
    first = number + 1;
  };
  for (std::string_view line : Lines(text)) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    whole += line;
    if (!goes_on) add();
  }
  add();
  return lines;
}

std::vector<std::string> ApacheWords(std::string_view text) {
  std::vector<std::string> words;
  for (text = Strip(text); !text.empty(); text = Strip(text)) {
    const char quote = text[0] == '"' || text[0] == '\'' ? text[0] : 0;
    size_t at = quote ? 1 : 0;
    std::string& word = words.emplace_back();
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (quote ? c == quote : kBlanks.find(c) != kBlanks.npos) break;
      const char next = at + 1 < text.size() ? text[at + 1] : 0;
      if (c == '\\' && (next == '\\' || (quote && next == quote))) ++at;
      word += text[at];
    }
    text.remove_prefix(std::min(at + (quote ? 1 : 0), text.size()));
  }
  return words;
}

}  // namespace metsuke
