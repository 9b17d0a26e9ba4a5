// Statements of rsyslog.conf(5): legacy lines and RainerScript stand side by
// side in one file.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "collectors/syslog_config.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int kMaxDepth = 10;   // of includes
constexpr int kMaxBlocks = 50;  // of blocks in each other

constexpr std::string_view kFacilities[] = {
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp",
    "cron", "authpriv", "ftp", "", "", "", "", "local0", "local1", "local2",
    "local3", "local4", "local5", "local6", "local7"};
constexpr std::string_view kSeverities[] = {"emerg",   "alert",  "crit", "err",
                                            "warning", "notice", "info", "debug"};

// The lowest severity of `bits` when it and all above are there, else each
// with "=".
std::string SeverityText(uint8_t bits) {
  for (int i = 0; i < 8; ++i)
    if (bits == (2 << i) - 1) return std::string(kSeverities[i]);
  std::string text;
  for (int i = 0; i < 8; ++i)
    if (bits & 1 << i)
      text += fmt::format("{}={}", text.empty() ? "" : ",", kSeverities[i]);
  return text;
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

// One file while it is read.
class RsyslogReader::File {
 public:
  File(RsyslogReader& reader, const SyslogFile& file)
      : reader_(reader), path_(file.path) {
    Join(file.text);
  }

  void Read() {
    SyslogMask all;
    all.fill(0xff);
    while (Skip(), at_ < text_.size()) {
      if (text_[at_] == '}') {
        Tell("an unexpected }");
        ++at_;
      } else {
        Statement(all);
      }
    }
  }

 private:
  // A backslash at the end of a line joins it with the next one, whose leading
  // blanks go.
  void Join(std::string_view text) {
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

  // Past blanks, newlines and comments.
  void Skip() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (text_.compare(at_, 2, "/*") == 0)
        at_ = std::min(text_.find("*/", at_), text_.size() - 2) + 2;
      else if (Strip(text_.substr(at_, 1)).empty())
        ++at_;
      else
        return;
    }
  }

  std::string Where() {
    for (; counted_ < at_ && counted_ < text_.size(); ++counted_)
      line_ += text_[counted_] == '\n';
    const auto joins =
        std::upper_bound(joins_.begin(), joins_.end(), at_) - joins_.begin();
    return fmt::format("{}:{}", path_, line_ + joins);
  }

  void Tell(std::string_view why) {
    reader_.troubles_.push_back({Where(), std::string(why)});
  }

  std::string Line() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string line = text_.substr(at_, end - at_);
    at_ = end;
    return line;
  }

  std::string Word() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (IsLetter(text_[at_]) || (text_[at_] >= '0' && text_[at_] <= '9')))
      ++at_;
    return Lower(std::string_view(text_).substr(start, at_ - start));
  }

  // What stands between the bracket here and the one that closes it; quotes
  // and comments may hold brackets.
  std::string Balanced(char open, char close) {
    const size_t start = ++at_;
    int depth = 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        SkipString();
        continue;
      }
      if (c == '#' || text_.compare(at_, 2, "/*") == 0) {
        Skip();
        continue;
      }
      depth += c == open ? 1 : c == close ? -1 : 0;
      if (depth == 0) break;
      ++at_;
    }
    std::string inside = text_.substr(start, at_ - start);
    if (at_ < text_.size()) ++at_;
    return inside;
  }

  // Past the string whose quote stands here.
  void SkipString() {
    const char quote = text_[at_];
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_)
      if (text_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }

  // Reads one statement that is reached by the messages of `within`.
  void Statement(const SyslogMask& within) {
    const char c = text_[at_];
    if (c == '$') return Directive();
    if (c == ':') return Property();
    if (c == '&') return Again();
    if (c == '!' || c == '+' || c == '-') return HostBlock();
    if (c == '{') return Block(within);
    if (c == '~' || c == '/' || c == '@' || c == '|' || c == '^' || c == '?')
      return Legacy(within);
    const size_t start = at_;
    const std::string word = Word();
    // A selector: "mail.info", "auth,authpriv.*", "*.*".
    if (word.empty() || (at_ < text_.size() &&
                         (text_[at_] == '.' || text_[at_] == ','))) {
      at_ = start;
      return Rule(within);
    }
    Script(word, start, within);
  }

  void Script(const std::string& word, size_t start, const SyslogMask& within) {
    at_ = start;
    const std::string where = Where();
    Word();
    if (word == "stop") return Act(within, {"discard", ""}, where);
    if (word == "continue") return;
    if (word == "if" || word == "foreach") {
      reader_.troubles_.push_back({where, "the rule has a condition"});
      return SkipCondition(word == "if" ? "then" : "do");
    }
    if (word == "set" || word == "unset" || word == "reset") {
      at_ = std::min(text_.find(';', at_), text_.size() - 1) + 1;
      return;
    }
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t'))
      ++at_;
    if (at_ == text_.size() || text_[at_] != '(') {
      reader_.troubles_.push_back({where, "not understood: " + word});
      Line();
      return;
    }
    Object(word, Balanced('(', ')'), where, within);
  }

  void Object(const std::string& word, const std::string& inside,
              const std::string& where, const SyslogMask& within) {
    if (word == "action") {
      Act(within, ReadScriptAction(inside), where);
    } else if (word == "include") {
      IncludeFiles(ScriptParameter(inside, "file"));
    } else if (word == "ruleset") {
      Skip();
      if (at_ < text_.size() && text_[at_] == '{') Balanced('{', '}');
      reader_.troubles_.push_back(
          {where, "the rules of a ruleset depend on who calls it"});
    }
    // The others (module, input, template, global …) route nothing.
  }

  // A line with "$": what else it may set, it routes nothing.
  void Directive() {
    const std::string where = Where();
    const std::string line = Line();
    const auto words = Words(line);
    const std::string name = Lower(words[0]);
    if (name == "$includeconfig" && words.size() > 1)
      IncludeFiles(std::string(words[1]));
    if (name == "$ruleset")
      elsewhere_ = words.size() > 1 &&
                   Lower(words[1]) != "rsyslog_defaultruleset";
  }

  // "!program", "+host", "-host": from here on rules hold for it alone; "*"
  // ends that.
  void HostBlock() {
    const std::string line = Line();
    elsewhere_ = Strip(std::string_view(line).substr(1)) != "*";
  }

  // ":property, comparison, "value" action".
  void Property() {
    Tell("the rule depends on a property of the message");
    last_.reset();
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '{') {
      if (text_[at_] == '"')
        SkipString();
      else
        ++at_;
    }
    if (at_ < text_.size() && text_[at_] == '{') Balanced('{', '}');
  }

  // Past the condition up to `word`, the statement after it and what stands
  // under "else".
  void SkipCondition(std::string_view word) {
    last_.reset();
    while (Skip(), at_ < text_.size()) {
      if (text_[at_] == '(')
        Balanced('(', ')');
      else if (text_[at_] == '"' || text_[at_] == '\'')
        SkipString();
      else if (!IsLetter(text_[at_]))
        ++at_;
      else if (Word() == word)
        break;
    }
    SkipStatement();
    Skip();
    if (text_.compare(std::min(at_, text_.size()), 4, "else") != 0) return;
    at_ += 4;
    SkipStatement();
  }

  void SkipStatement() {
    Skip();
    if (at_ >= text_.size()) return;
    if (text_[at_] == '{') {
      Balanced('{', '}');
      return;
    }
    const size_t start = at_;
    const std::string word = Word();
    if (word == "if") {
      if (conditions_ == kMaxBlocks) {
        Tell("conditions too deep");
        at_ = text_.size();
        return;
      }
      ++conditions_;
      SkipCondition("then");
      --conditions_;
      return;
    }
    Skip();
    if (!word.empty() && at_ < text_.size() && text_[at_] == '(') {
      Balanced('(', ')');
      return;
    }
    at_ = start;
    Line();
  }

  void Block(const SyslogMask& within) {
    ++at_;
    if (++blocks_ > kMaxBlocks) {
      Tell("blocks too deep");
      at_ = text_.size();
    }
    while (Skip(), at_ < text_.size() && text_[at_] != '}') Statement(within);
    if (at_ < text_.size()) ++at_;
    --blocks_;
  }

  // A selector and what follows it.
  void Rule(const SyslogMask& within) {
    const size_t end =
        std::min(text_.find_first_of(" \t\r\n", at_), text_.size());
    const std::string selector = text_.substr(at_, end - at_);
    auto mask = ReadSelector(selector);
    if (!mask) {
      Tell("not understood: " + selector);
      Line();
      return;
    }
    for (size_t i = 0; i < mask->size(); ++i) (*mask)[i] &= within[i];
    const std::string where = Where();
    at_ = std::min(text_.find_first_not_of(" \t", end), text_.size());
    Follow(*mask, where);
  }

  // The action that stands here: a block, a script action or a legacy one.
  void Follow(const SyslogMask& mask, const std::string& where) {
    last_ = mask;
    if (at_ < text_.size() && text_[at_] == '{') return Block(mask);
    const size_t start = at_;
    const std::string word = Word();
    const size_t next = text_.find_first_not_of(" \t", at_);
    const bool object = next != std::string::npos && text_[next] == '(';
    at_ = start;
    if (object || word == "stop" || word == "call" || word == "continue") {
      if (object || word != "call") return Script(word, start, mask);
      reader_.troubles_.push_back({where, "the rule calls a ruleset"});
      Line();
      return;
    }
    const std::string line = Line();
    if (Strip(line).empty())
      reader_.troubles_.push_back({where, "the rule has no action"});
    else
      Act(mask, ReadLegacyAction(line), where);
  }

  void Legacy(const SyslogMask& within) {
    const std::string where = Where();
    const std::string line = Line();
    Act(within, ReadLegacyAction(line), where);
  }

  // "& ACTION": one more action for the messages of the rule before.
  void Again() {
    const std::string where = Where();
    at_ = std::min(text_.find_first_not_of(" \t", at_ + 1), text_.size());
    if (last_) return Follow(*last_, where);
    SkipStatement();
  }

  void Act(const SyslogMask& mask, const SyslogAction& action,
           const std::string& where) {
    if (elsewhere_)
      reader_.troubles_.push_back(
          {where, "the rule holds for one program, host or ruleset"});
    else
      reader_.AddRoute(mask, action, where);
  }

  void IncludeFiles(const std::string& pattern) {
    if (pattern.empty()) return;
    if (reader_.depth_ >= kMaxDepth) return Tell("includes too deep");
    ++reader_.depth_;
    for (const SyslogFile& file : reader_.include_(pattern)) reader_.Read(file);
    --reader_.depth_;
  }

  RsyslogReader& reader_;
  const std::string path_;
  std::string text_;
  std::vector<size_t> joins_;  // where a newline was taken out of text_
  size_t at_ = 0;
  size_t counted_ = 0;
  int line_ = 1;
  int blocks_ = 0;
  int conditions_ = 0;  // skipped ones in each other
  bool elsewhere_ = false;
  std::optional<SyslogMask> last_;  // of the rule before; none for a condition
};

RsyslogReader::RsyslogReader(Include include) : include_(std::move(include)) {
  alive_.fill(0xff);
}

void RsyslogReader::Read(const SyslogFile& file) { File(*this, file).Read(); }

void RsyslogReader::AddRoute(const SyslogMask& mask, const SyslogAction& action,
                             const std::string& source) {
  Route route{mask, action, source};
  for (size_t i = 0; i < mask.size(); ++i) {
    route.mask[i] &= alive_[i];
    if (action.action == "discard") alive_[i] &= ~mask[i];
  }
  routes_.push_back(std::move(route));
}

std::vector<v1::SyslogRoute> RsyslogReader::Routes() const {
  // Two rules may send one facility to one place: together they are one row.
  struct Row {
    size_t facility;
    const Route* route;
    uint8_t bits;
  };
  std::vector<Row> rows;
  std::map<std::tuple<size_t, std::string_view, std::string_view>, size_t> row_of;
  for (const Route& route : routes_)
    for (size_t i = 0; i < route.mask.size(); ++i) {
      if (kFacilities[i].empty() || route.mask[i] == 0) continue;
      const auto [row, added] = row_of.try_emplace(
          {i, route.action.action, route.action.target}, rows.size());
      if (added) rows.push_back({i, &route, 0});
      rows[row->second].bits |= route.mask[i];
    }
  std::vector<v1::SyslogRoute> routes;
  for (const Row& row : rows) {
    v1::SyslogRoute& route = routes.emplace_back();
    route.set_facility(std::string(kFacilities[row.facility]));
    route.set_severity(SeverityText(row.bits));
    route.set_action(row.route->action.action);
    route.set_target(row.route->action.target);
    route.set_daemon("rsyslog");
    route.set_source(row.route->source);
  }
  return routes;
}

}  // namespace metsuke
