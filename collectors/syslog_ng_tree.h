// The text of syslog-ng.conf(5) as a tree of words and brackets. Knows no
// statement.

#ifndef METSUKE_COLLECTORS_SYSLOG_NG_TREE_H_
#define METSUKE_COLLECTORS_SYSLOG_NG_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

// A word, a string, a sign or what stands in brackets.
struct SyslogNgNode {
  // Of brackets '(' or '{'; '"' of a string, 'w' of a word, and otherwise the
  // sign itself: ';', ',', '@' with a directive's line as its text, or '.' for
  // "..".
  char kind = 'w';
  std::string text;
  int line = 0;
  std::vector<SyslogNgNode> inside;

  bool Is(std::string_view word) const { return kind == 'w' && text == word; }
};

// What a text holds, no more than `left` nodes, which are taken off it; where
// none is left the text ends. Of brackets that are never closed the end of the
// text is the end; those that are nested deeper than 50 levels are signs with
// nothing inside.
std::vector<SyslogNgNode> ReadSyslogNgTree(std::string_view text, size_t& left);

// What is before each ';', as it stands there; none is empty.
std::vector<std::vector<SyslogNgNode>> SyslogNgStatements(
    std::vector<SyslogNgNode> nodes);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_NG_TREE_H_
