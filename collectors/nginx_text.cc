#include "collectors/nginx_reader.h"

namespace metsuke {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

void NginxText::Next() {
  if (text_[at_++] == '\n') ++line_;
}

void NginxText::SkipLine() {
  while (!AtEnd() && text_[at_] != '\n') ++at_;
}

NginxText::End NginxText::Read(std::vector<std::string>& words, int& line) {
  words.clear();
  while (!AtEnd()) {
    const char c = text_[at_];
    if (c == '#') {
      SkipLine();
    } else if (IsBlank(c)) {
      Next();
    } else {
      if (words.empty()) line = line_;
      if (c == ';' || c == '{' || c == '}') {
        ++at_;
        return c == ';' ? End::kStatement : c == '{' ? End::kOpen : End::kClose;
      }
      Word(words.emplace_back());
    }
  }
  return End::kFile;
}

// A quote, a comment and "}" are such only where a word begins.
void NginxText::Word(std::string& word) {
  const char quote = text_[at_] == '"' || text_[at_] == '\'' ? text_[at_] : 0;
  if (quote) ++at_;
  bool variable = false;
  for (; !AtEnd(); Next()) {
    const char c = text_[at_];
    if (quote ? c == quote : IsBlank(c) || c == ';' || (c == '{' && !variable))
      break;
    variable = c == '$';
    if (c == '\\' && at_ + 1 < text_.size())
      Escape(word);
    else
      word += c;
  }
  if (quote && !AtEnd()) ++at_;
}

void NginxText::Escape(std::string& word) {
  Next();
  switch (const char c = text_[at_]) {
    case '"':
    case '\'':
    case '\\':
      word += c;
      break;
    case 't':
      word += '\t';
      break;
    case 'r':
      word += '\r';
      break;
    case 'n':
      word += '\n';
      break;
    default:
      word += '\\';
      word += c;
  }
}

void NginxText::SkipLuaString(char quote) {
  for (Next(); !AtEnd() && text_[at_] != quote; Next())
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) Next();
}

void NginxText::SkipLua() {
  int open = 1;
  while (!AtEnd() && open > 0) {
    const char c = text_[at_];
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("[[") || rest.starts_with("--[[")) {
      const size_t end = text_.find("]]", at_);
      while (!AtEnd() && at_ < end) Next();
    } else if (rest.starts_with("--")) {
      SkipLine();
    } else if (c == '"' || c == '\'') {
      SkipLuaString(c);
    } else {
      open += c == '{' ? 1 : c == '}' ? -1 : 0;
    }
    if (!AtEnd()) Next();
  }
}

}  // namespace metsuke
