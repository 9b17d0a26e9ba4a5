// Statements of rsyslog.conf(5): legacy lines and RainerScript stand side by
// side in one file.

#include <fmt/format.h>

#include "collectors/syslog_config.h"
#include "collectors/syslog_text.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int kMaxDepth = 10;   // of includes
constexpr int kMaxBlocks = 50;  // of blocks in each other

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The one whose rules stand in no ruleset.
bool IsDefaultRuleset(std::string_view name) {
  return Lower(name) == "rsyslog_defaultruleset";
}

}  // namespace

// One file while it is read.
class RsyslogReader::File {
 public:
  File(RsyslogReader& reader, const SyslogFile& file)
      : reader_(reader), path_(file.path), text_(file.text) {}

  void Read() {
    while (text_.Skip(), !text_.AtEnd()) {
      if (text_.Here() == '}') {
        Tell("an unexpected }");
        text_.Advance();
      } else {
        Statement(EveryMessage());
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
    } else if (word == "input") {
      Input(inside);
    } else if (word == "ruleset") {
      text_.Skip();
      if (text_.Here() == '{') text_.Balanced('{', '}');
      reader_.troubles_.push_back(
          {where, "the rules of a ruleset depend on who calls it"});
    }
    // The others (module, input, template, global …) route nothing.
  }

  // input(type="imfile" file="/var/log/app/*.log" facility="local3").
  void Input(const std::string& inside) {
    if (Lower(ScriptParameter(inside, "type")) != "imfile" ||
        !(ScriptParameter(inside, "ruleset").empty() ||
          IsDefaultRuleset(ScriptParameter(inside, "ruleset"))))
      return;
    SyslogInput input{.path = ScriptParameter(inside, "file")};
    Set(ScriptParameter(inside, "facility"), input.facility);
    Set(ScriptParameter(inside, "severity"), input.severity);
    reader_.inputs_.push_back(std::move(input));
  }

  static void Set(std::string_view value, std::string& name) {
    if (!value.empty()) name = Lower(value);
  }

  // The same of older files: "$InputRunFileMonitor" ends the description of one.
  void LegacyInput(const std::string& name, std::string_view value) {
    SyslogInput& input = reader_.legacy_;
    if (name == "$inputfilename") input.path = value;
    if (name == "$inputfilefacility") Set(value, input.facility);
    if (name == "$inputfileseverity") Set(value, input.severity);
    if (name == "$inputfilebindruleset")
      reader_.legacy_bound_ = !IsDefaultRuleset(value);
    if (name == "$inputrunfilemonitor" && !reader_.legacy_bound_)
      reader_.inputs_.push_back(input);
  }

  // A line with "$": what else it may set, it routes nothing.
  void Directive() {
    const std::string where = Where();
    const std::string line = text_.Line();
    const auto words = Words(line);
    const std::string name = Lower(words[0]);
    if (name.starts_with("$input"))
      LegacyInput(name, words.size() > 1 ? words[1] : "");
    if (name == "$includeconfig" && words.size() > 1)
      IncludeFiles(std::string(words[1]));
    if (name == "$ruleset")
      elsewhere_ = words.size() > 1 && !IsDefaultRuleset(words[1]);
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
    *mask = *mask & within;
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
      reader_.routes_.Add(mask, action, where);
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

RsyslogReader::RsyslogReader(Include include) : include_(std::move(include)) {}

void RsyslogReader::Read(const SyslogFile& file) { File(*this, file).Read(); }

std::vector<v1::SyslogRoute> RsyslogReader::Routes() const {
  return routes_.Rows("rsyslog");
}

}  // namespace metsuke
