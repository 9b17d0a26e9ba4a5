#include "collectors/syslog_ng_tree.h"

#include <algorithm>
#include <utility>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int kMaxDepth = 50;

class Reader {
 public:
  Reader(std::string_view text, size_t& left) : text_(text), left_(left) {}

  // Up to the bracket that closes, which is passed over, or to the end.
  std::vector<SyslogNgNode> Until(char close, int depth) {
    std::vector<SyslogNgNode> nodes;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_, ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == '#') {
        at_ = LineEnd();
      } else if (c == close || (depth > 0 && (c == ')' || c == '}'))) {
        ++at_;
        break;
      } else if (left_ == 0) {
        at_ = text_.size();
      } else {
        --left_;
        nodes.push_back(One(c, depth));
      }
    }
    return nodes;
  }

 private:
  size_t LineEnd() const {
    return std::min(text_.find('\n', at_), text_.size());
  }

  bool AtLineStart() const {
    const size_t before = text_.substr(0, at_).find_last_not_of(" \t");
    return before == text_.npos || text_[before] == '\n';
  }

  SyslogNgNode One(char c, int depth) {
    SyslogNgNode node{.kind = c, .line = line_};
    if (c == '@' && AtLineStart()) {
      const size_t end = LineEnd();
      node.text = Strip(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end;
    } else if (c == '"' || c == '\'') {
      node.kind = '"';
      node.text = String(c);
    } else if ((c == '(' || c == '{') && depth < kMaxDepth) {
      ++at_;
      node.inside = Until(c == '(' ? ')' : '}', depth + 1);
    } else if (std::string_view("(){};,").find(c) != std::string_view::npos) {
      ++at_;
    } else if (text_.substr(at_).starts_with("..")) {
      node.kind = '.';
      at_ += 2;
    } else {
      node.kind = 'w';
      node.text = Word();
    }
    return node;
  }

  // Backslashes are no more than signs between single quotes.
  std::string String(char quote) {
    std::string text;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      line_ += text_[at_] == '\n';
      text += text_[at_];
    }
    at_ = std::min(at_ + 1, text_.size());
    return text;
  }

  std::string Word() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n(){};,\"'#").find(text_[at_]) ==
               std::string_view::npos &&
           (at_ == start || !text_.substr(at_).starts_with("..")))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  const std::string_view text_;
  size_t& left_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<SyslogNgNode> ReadSyslogNgTree(std::string_view text,
                                           size_t& left) {
  return Reader(text, left).Until('\0', 0);
}

std::vector<std::vector<SyslogNgNode>> SyslogNgStatements(
    std::vector<SyslogNgNode> nodes) {
  std::vector<std::vector<SyslogNgNode>> statements(1);
  for (SyslogNgNode& node : nodes) {
    if (node.kind != ';')
      statements.back().push_back(std::move(node));
    else if (!statements.back().empty())
      statements.emplace_back();
  }
  if (statements.back().empty()) statements.pop_back();
  return statements;
}

}  // namespace metsuke
