#include "collectors/syslog_text.h"

#include <algorithm>

#include "collectors/words.h"

namespace metsuke {
namespace {

bool IsOfWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

// A backslash at the end of a line joins it with the next one, whose leading
// blanks go.
SyslogText::SyslogText(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size() || text[i + 1] != '\n') {
      text_ += text[i];
      continue;
    }
    joins_.push_back(text_.size());
    ++i;
    while (i + 1 < text.size() && (text[i + 1] == ' ' || text[i + 1] == '\t'))
      ++i;
  }
}

void SyslogText::Advance(size_t count) {
  at_ = std::min(at_ + count, text_.size());
}

void SyslogText::Skip() {
  while (!AtEnd()) {
    if (Here() == '#')
      at_ = std::min(text_.find('\n', at_), text_.size());
    else if (StartsWith("/*"))
      at_ = std::min(text_.find("*/", at_), text_.size() - 2) + 2;
    else if (Strip(std::string_view(text_).substr(at_, 1)).empty())
      ++at_;
    else
      return;
  }
}

void SyslogText::SkipBlanks() {
  at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
}

void SyslogText::SkipString() {
  const char quote = text_[at_];
  for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_)
    if (text_[at_] == '\\') ++at_;
  at_ = std::min(at_ + 1, text_.size());
}

void SyslogText::SkipPast(char c) {
  at_ = std::min(text_.find(c, at_), text_.size());
  Advance();
}

std::string SyslogText::Line() {
  const size_t start = at_;
  at_ = std::min(text_.find('\n', at_), text_.size());
  return text_.substr(start, at_ - start);
}

std::string SyslogText::Field() {
  const size_t start = at_;
  at_ = std::min(text_.find_first_of(" \t\r\n", at_), text_.size());
  return text_.substr(start, at_ - start);
}

std::string SyslogText::Word() {
  const size_t start = at_;
  while (IsOfWord(Here())) ++at_;
  return Lower(std::string_view(text_).substr(start, at_ - start));
}

std::string SyslogText::Balanced(char open, char close) {
  const size_t start = ++at_;
  int depth = 1;
  while (!AtEnd()) {
    const char c = Here();
    if (c == '"' || c == '\'') {
      SkipString();
    } else if (c == '#' || StartsWith("/*")) {
      Skip();
    } else {
      depth += c == open ? 1 : c == close ? -1 : 0;
      if (depth == 0) break;
      ++at_;
    }
  }
  std::string inside = text_.substr(start, at_ - start);
  Advance();
  return inside;
}

long SyslogText::LineNumber() {
  for (; counted_ < at_ && counted_ < text_.size(); ++counted_)
    line_ += text_[counted_] == '\n';
  return line_ +
         (std::upper_bound(joins_.begin(), joins_.end(), at_) - joins_.begin());
}

}  // namespace metsuke
