// The text of one file of rsyslog.conf(5) and a place in it: what blanks,
// comments, strings, brackets and continued lines are, and at which line of the
// file the place is. Knows no statement.

#ifndef METSUKE_COLLECTORS_SYSLOG_TEXT_H_
#define METSUKE_COLLECTORS_SYSLOG_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

class SyslogText {
 public:
  explicit SyslogText(std::string_view text);

  // Whether nothing is left.
  bool AtEnd() const { return at_ >= text_.size(); }
  // The character here; NUL at the end.
  char Here() const { return AtEnd() ? '\0' : text_[at_]; }
  bool StartsWith(std::string_view what) const {
    return text_.compare(at_, what.size(), what) == 0;
  }
  // A place to come back to.
  size_t place() const { return at_; }
  void GoTo(size_t place) { at_ = place; }
  // Past so many characters; no further than the end.
  void Advance(size_t count = 1);
  void GoToEnd() { at_ = text_.size(); }

  // Past blanks, newlines and comments.
  void Skip();
  // Past spaces and tabs.
  void SkipBlanks();
  // Past the string whose quote stands here.
  void SkipString();
  // Past the next `c`.
  void SkipPast(char c);

  // Takes the rest of the line, without its end.
  std::string Line();
  // Takes what stands before the next blank or newline.
  std::string Field();
  // Takes letters, digits and "_", in lower case.
  std::string Word();
  // Takes what stands between the bracket here and the one that closes it;
  // quotes and comments may hold brackets.
  std::string Balanced(char open, char close);

  // The number of the line this is, from 1. To be asked of places in the order
  // of the text.
  long LineNumber();

 private:
  std::string text_;           // without continued line ends
  std::vector<size_t> joins_;  // where a newline was taken out of text_
  size_t at_ = 0;
  size_t counted_ = 0;
  int line_ = 1;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_TEXT_H_
