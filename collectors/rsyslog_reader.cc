// Statements of rsyslog.conf(5): legacy lines and RainerScript stand side by
// side in one file.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "collectors/syslog_config.h"
#include "collectors/syslog_text.h"
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
      : reader_(reader), path_(file.path), text_(file.text) {}

  void Read() {
    SyslogMask all;
    all.fill(0xff);
    while (text_.Skip(), !text_.AtEnd()) {
      if (text_.Here() == '}') {
        Tell("an unexpected }");
        text_.Advance();
      } else {
        Statement(all);
      }
    }
  }

 private:
  std::string Where() {
    return fmt::format("{}:{}", path_, text_.LineNumber());
  }

  void Tell(std::string_view why) {
    reader_.troubles_.push_back({Where(), std::string(why)});
  }

  // Reads one statement that is reached by the messages of `within`.
  void Statement(const SyslogMask& within) {
    const char c = text_.Here();
    if (c == '$') return Directive();
    if (c == ':') return Property();
    if (c == '&') return Again();
    if (c == '!' || c == '+' || c == '-') return HostBlock();
    if (c == '{') return Block(within);
    if (c == '~' || c == '/' || c == '@' || c == '|' || c == '^' || c == '?')
      return Legacy(within);
    const size_t start = text_.place();
    const std::string word = text_.Word();
    const bool selector =
        word.empty() || text_.Here() == '.' || text_.Here() == ',';
    text_.GoTo(start);
    // A selector: "mail.info", "auth,authpriv.*", "*.*".
    if (selector) return Rule(within);
    Script(within);
  }

  void Script(const SyslogMask& within) {
    const std::string where = Where();
    const std::string word = text_.Word();
    if (word == "stop") return Act(within, {"discard", ""}, where);
    if (word == "continue") return;
    if (word == "if" || word == "foreach") {
      reader_.troubles_.push_back({where, "the rule has a condition"});
      return SkipCondition(word == "if" ? "then" : "do");
    }
    if (word == "set" || word == "unset" || word == "reset") {
      text_.SkipPast(';');
      return;
    }
    text_.SkipBlanks();
    if (text_.Here() != '(') {
      reader_.troubles_.push_back({where, "not understood: " + word});
      text_.Line();
      return;
    }
    Object(word, text_.Balanced('(', ')'), where, within);
  }

  void Object(const std::string& word, const std::string& inside,
              const std::string& where, const SyslogMask& within) {
    if (word == "action") {
      Act(within, ReadScriptAction(inside), where);
    } else if (word == "include") {
      IncludeFiles(ScriptParameter(inside, "file"));
    } else if (word == "ruleset") {
      text_.Skip();
      if (text_.Here() == '{') text_.Balanced('{', '}');
      reader_.troubles_.push_back(
          {where, "the rules of a ruleset depend on who calls it"});
    }
    // The others (module, input, template, global …) route nothing.
  }

  // A line with "$": what else it may set, it routes nothing.
  void Directive() {
    const std::string where = Where();
    const std::string line = text_.Line();
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
    const std::string line = text_.Line();
    elsewhere_ = Strip(std::string_view(line).substr(1)) != "*";
  }

  // ":property, comparison, "value" action".
  void Property() {
    Tell("the rule depends on a property of the message");
    last_.reset();
    while (!text_.AtEnd() && text_.Here() != '\n' && text_.Here() != '{') {
      if (text_.Here() == '"')
        text_.SkipString();
      else
        text_.Advance();
    }
    if (text_.Here() == '{') text_.Balanced('{', '}');
  }

  // Past the condition up to `word`, the statement after it and what stands
  // under "else".
  void SkipCondition(std::string_view word) {
    last_.reset();
    while (text_.Skip(), !text_.AtEnd()) {
      if (text_.Here() == '(')
        text_.Balanced('(', ')');
      else if (text_.Here() == '"' || text_.Here() == '\'')
        text_.SkipString();
      else if (!IsLetter(text_.Here()))
        text_.Advance();
      else if (text_.Word() == word)
        break;
    }
    SkipStatement();
    text_.Skip();
    if (!text_.StartsWith("else")) return;
    text_.Advance(4);
    SkipStatement();
  }

  void SkipStatement() {
    text_.Skip();
    if (text_.AtEnd()) return;
    if (text_.Here() == '{') {
      text_.Balanced('{', '}');
      return;
    }
    const size_t start = text_.place();
    const std::string word = text_.Word();
    if (word == "if") {
      if (conditions_ == kMaxBlocks) {
        Tell("conditions too deep");
        return text_.GoToEnd();
      }
      ++conditions_;
      SkipCondition("then");
      --conditions_;
      return;
    }
    text_.Skip();
    if (!word.empty() && text_.Here() == '(') {
      text_.Balanced('(', ')');
      return;
    }
    text_.GoTo(start);
    text_.Line();
  }

  void Block(const SyslogMask& within) {
    text_.Advance();
    if (++blocks_ > kMaxBlocks) {
      Tell("blocks too deep");
      text_.GoToEnd();
    }
    while (text_.Skip(), !text_.AtEnd() && text_.Here() != '}')
      Statement(within);
    text_.Advance();
    --blocks_;
  }

  // A selector and what follows it.
  void Rule(const SyslogMask& within) {
    const std::string where = Where();
    const std::string selector = text_.Field();
    auto mask = ReadSelector(selector);
    if (!mask) {
      reader_.troubles_.push_back({where, "not understood: " + selector});
      text_.Line();
      return;
    }
    for (size_t i = 0; i < mask->size(); ++i) (*mask)[i] &= within[i];
    text_.SkipBlanks();
    Follow(*mask, where);
  }

  // The action that stands here: a block, a script action or a legacy one.
  void Follow(const SyslogMask& mask, const std::string& where) {
    last_ = mask;
    if (text_.Here() == '{') return Block(mask);
    const size_t start = text_.place();
    const std::string word = text_.Word();
    text_.SkipBlanks();
    const bool object = text_.Here() == '(';
    text_.GoTo(start);
    if (object || word == "stop" || word == "continue") return Script(mask);
    const std::string line = text_.Line();
    if (word == "call")
      reader_.troubles_.push_back({where, "the rule calls a ruleset"});
    else if (Strip(line).empty())
      reader_.troubles_.push_back({where, "the rule has no action"});
    else
      Act(mask, ReadLegacyAction(line), where);
  }

  void Legacy(const SyslogMask& within) {
    const std::string where = Where();
    const std::string line = text_.Line();
    Act(within, ReadLegacyAction(line), where);
  }

  // "& ACTION": one more action for the messages of the rule before.
  void Again() {
    const std::string where = Where();
    text_.Advance();
    text_.SkipBlanks();
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
  SyslogText text_;
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
