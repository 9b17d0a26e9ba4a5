// Follows readConfigFile of logrotate 3.21: a directive without a value may be
// followed by another on its line, one with a value takes the line.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "collectors/logrotate_rules.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// include directives that may stand in each other (MAX_NESTING).
constexpr int kMaxDepth = 16;

constexpr std::string_view kTabooAtStart =
    ",v .bak .cfsaved .disabled .dpkg-bak .dpkg-del .dpkg-dist .dpkg-new "
    ".dpkg-old .dpkg-tmp .rhn-cfg-tmp-* .rpmnew .rpmorig .rpmsave .swp "
    ".ucf-dist .ucf-new .ucf-old ~";

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <size_t N>
bool IsOneOf(std::string_view word, const std::array<std::string_view, N>& of) {
  return std::find(of.begin(), of.end(), word) != of.end();
}

constexpr auto kFrequencies = std::to_array<std::string_view>(
    {"hourly", "daily", "weekly", "monthly", "yearly"});
constexpr auto kScripts = std::to_array<std::string_view>(
    {"prerotate", "postrotate", "firstaction", "lastaction", "preremove"});
// Directives with a value that says nothing of what is kept.
constexpr auto kOtherValues = std::to_array<std::string_view>(
    {"su", "create", "createolddir", "dateformat", "mail", "extension", "addextension", "compresscmd", "uncompresscmd", "compressext",
     "compressoptions", "shredcycles", "start", "minage"});

// "100k" in bytes.
std::optional<int64_t> Size(std::string_view text) {
  int shift = 0;
  if (text.ends_with('k') || text.ends_with('K')) shift = 10;
  if (text.ends_with('M')) shift = 20;
  if (text.ends_with('G')) shift = 30;
  if (shift) text.remove_suffix(1);
  const auto number = Number(text);
  if (!number || *number < 0 || *number > (INT64_MAX >> shift)) return {};
  return *number << shift;
}

std::optional<int> Count(std::string_view text, int least) {
  const auto number = Number(text);
  if (!number || *number < least || *number > INT32_MAX) return {};
  return static_cast<int>(*number);
}

// The paths before a block's "{": words, where quotes and backslashes protect
// blanks.
std::vector<std::string> Paths(std::string_view text) {
  std::vector<std::string> paths;
  bool open = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!quote && (IsBlank(c) || c == '\n' || c == '\r')) {
      open = false;
      continue;
    }
    if (!open) paths.emplace_back();
    open = true;
    if (quote == c)
      quote = 0;
    else if (!quote && (c == '"' || c == '\''))
      quote = c;
    else if (c == '\\' && i + 1 < text.size())
      paths.back() += text[++i];
    else
      paths.back() += c;
  }
  return paths;
}

int PeriodDays(std::string_view frequency, int count) {
  if (frequency == "hourly") return count / 24;
  const int64_t days = frequency == "daily"    ? 1
                       : frequency == "weekly" ? 7
                       : frequency == "monthly" ? 30
                                                : 365;
  return static_cast<int>(std::min<int64_t>(count * days, INT32_MAX));
}

}  // namespace

// One file while it is read.
class LogrotateReader::File {
 public:
  File(LogrotateReader& reader, const LogrotateFile& file)
      : reader_(reader), path_(file.path), text_(file.text) {}

  void Read() {
    while (at_ < text_.size() && Step()) continue;
    if (in_block_) Trouble("the block has no end");
  }

 private:
  enum class Done { kYes, kBad, kUnknown };

  // Reads one thing; false when logrotate would leave the file here.
  bool Step() {
    const char c = text_[at_];
    if (IsBlank(c) || c == '\r' || c == '\n') {
      Next();
    } else if (c == '#') {
      Line();
    } else if (IsLetter(c)) {
      return Directive();
    } else if (std::string_view("/\"'~").find(c) != std::string_view::npos) {
      return OpenBlock();
    } else if (c == '}') {
      return CloseBlock();
    } else {
      Trouble("neither a directive nor a path");
      Line();
    }
    return true;
  }

  void Next() {
    if (text_[at_++] == '\n') ++line_;
  }

  // The rest of the line, stripped; the newline is left for Step.
  std::string_view Line() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view rest = text_.substr(at_, end - at_);
    at_ = end;
    return Strip(rest);
  }

  // The value of a directive: "size 10k", "size=10k".
  std::string_view Value() {
    std::string_view value = Line();
    if (value.starts_with('=')) value = Strip(value.substr(1));
    return value;
  }

  bool Directive() {
    const size_t start = at_;
    while (at_ < text_.size() && IsLetter(text_[at_])) ++at_;
    const std::string_view key = text_.substr(start, at_ - start);
    const int line = line_;
    switch (Apply(key)) {
      case Done::kYes:
        return true;
      case Done::kUnknown:
        Line();  // "unknown option -- ignoring line"
        return true;
      case Done::kBad:
        break;
    }
    reader_.troubles_.push_back(
        {fmt::format("{}:{}", path_, line),
         fmt::format("bad value of {}", key)});
    if (!in_block_) return false;
    SkipBlock();
    return true;
  }

  Settings& Current() { return in_block_ ? block_ : reader_.defaults_; }

  Done Apply(std::string_view key) {
    if (key == "compress" || key == "nocompress") {
      Current().compress = key == "compress";
    } else if (key == "olddir" || key == "noolddir") {
      Current().old_folder = key == "olddir" ? Value() : "";
    } else if (IsOneOf(key, kFrequencies)) {
      Current().frequency = std::string(key);
      if (key == "weekly" && Count(Value(), 0).value_or(0) > 7)
        return Done::kBad;
    } else if (IsOneOf(key, kScripts)) {
      SkipScript();
    } else if (key == "include") {
      IncludeFiles(std::string(Value()));
    } else if (key == "tabooext" || key == "taboopat") {
      if (in_block_) return Done::kBad;
      reader_.SetTaboo(Value(), key == "tabooext" ? "*" : "");
    } else if (IsOneOf(key, kOtherValues)) {
      Value();
    } else {
      return ApplyNumber(key);
    }
    return Done::kYes;
  }

  Done ApplyNumber(std::string_view key) {
    std::optional<int64_t> number;
    if (key == "rotate") {
      if ((number = Count(Value(), -1))) Current().rotate = *number;
    } else if (key == "maxage") {
      if ((number = Count(Value(), 0))) Current().max_age = *number;
    } else if (key == "minsize") {
      number = Size(Value());
    } else if (key == "maxsize") {
      if ((number = Size(Value()))) Current().max_size = *number;
    } else if (key == "size") {
      if ((number = Size(Value()))) {
        Current().threshold = *number;
        Current().frequency = "size";
      }
    } else {
      return IsFlag(key) ? Done::kYes : Done::kUnknown;
    }
    return number ? Done::kYes : Done::kBad;
  }

  // Directives that are one word and say nothing of what is kept; another
  // directive may follow on the line.
  static bool IsFlag(std::string_view key) {
    constexpr auto kFlags = std::to_array<std::string_view>(
        {"delaycompress", "shred", "sharedscripts", "copytruncate",
         "renamecopy", "copy", "dateext", "missingok", "allowhardlink",
         "mail", "create", "createolddir"});
    constexpr auto kAlone = std::to_array<std::string_view>(
        {"ifempty", "notifempty", "dateyesterday", "datehourago", "mailfirst",
         "maillast", "errors", "ignoreduplicates"});
    if (IsOneOf(key, kAlone)) return true;
    if (key.starts_with("no")) key.remove_prefix(2);
    return IsOneOf(key, kFlags);
  }

  // To the line after the one that says "endscript".
  void SkipScript() {
    Line();
    while (at_ < text_.size()) {
      Next();
      const std::string_view line = Line();
      if (line == "endscript" || line.starts_with("endscript ")) return;
    }
    Trouble("the script has no endscript");
  }

  void SkipBlock() {
    Line();
    while (at_ < text_.size()) {
      Next();
      const std::string_view line = Line();
      if (line.starts_with('}')) break;
    }
    in_block_ = false;
  }

  void IncludeFiles(const std::string& path) {
    if (reader_.depth_ >= kMaxDepth) return Trouble("includes too deep");
    ++reader_.depth_;
    for (const LogrotateFile& file : reader_.include_(path, reader_.taboo_))
      reader_.Read(file);
    --reader_.depth_;
  }

  bool OpenBlock() {
    const int line = line_;
    if (in_block_) {
      Trouble("a path within a block");
      SkipBlock();
      return true;
    }
    std::string paths;
    while (at_ < text_.size() && text_[at_] != '{') {
      // A comment between the paths.
      if (text_[at_] == '#' && (paths.empty() || paths.back() == '\n' ||
                                IsBlank(paths.back())))
        Line();
      else
        paths += text_[at_], Next();
    }
    if (at_ == text_.size()) {
      Trouble("no { after the paths");
      return false;
    }
    ++at_;
    in_block_ = true;
    block_ = reader_.defaults_;
    paths_ = Paths(paths);
    source_ = fmt::format("{}:{}", path_, line);
    return true;
  }

  bool CloseBlock() {
    if (!in_block_) {
      Trouble("an unexpected }");
      return false;
    }
    in_block_ = false;
    for (const std::string& path : paths_)
      reader_.AddRule(Rule(path, block_, source_));
    ++at_;
    if (Line().empty()) return true;
    Trouble("text after }");
    return false;
  }

  void Trouble(std::string_view why) {
    reader_.troubles_.push_back(
        {fmt::format("{}:{}", path_, line_), std::string(why)});
  }

  LogrotateReader& reader_;
  const std::string path_;
  const std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  bool in_block_ = false;
  Settings block_;
  std::vector<std::string> paths_;
  std::string source_;
};

LogrotateReader::LogrotateReader(Include include)
    : include_(std::move(include)) {
  SetTaboo(kTabooAtStart, "*");
}

void LogrotateReader::Read(const LogrotateFile& file) {
  File(*this, file).Read();
}

void LogrotateReader::SetTaboo(std::string_view list, std::string_view prefix) {
  if (list.starts_with('+'))
    list.remove_prefix(1);
  else
    taboo_.clear();
  // The list at the start has a pattern with a comma in it, ",v", which a
  // directive cannot name: there commas separate.
  const bool at_start = list == kTabooAtStart;
  for (const std::string_view word : Words(list))
    for (const std::string_view piece :
         at_start ? std::vector{word} : Pieces(word, ','))
      if (!piece.empty())
        taboo_.push_back(std::string(prefix) + std::string(piece));
}

v1::LogrotateRule LogrotateReader::Rule(const std::string& path,
                                        const Settings& settings,
                                        const std::string& source) {
  v1::LogrotateRule rule;
  const bool by_size = settings.frequency == "size";
  rule.set_path(path);
  rule.set_rotate(settings.rotate);
  rule.set_frequency(settings.frequency);
  rule.set_size_bytes(by_size ? settings.threshold : settings.max_size);
  rule.set_max_age_days(settings.max_age);
  rule.set_compress(settings.compress);
  rule.set_source(source);
  rule.set_old_folder(settings.old_folder);
  int days = -1;
  if (settings.rotate >= 0)
    days = by_size ? 0 : PeriodDays(settings.frequency, settings.rotate);
  if (settings.max_age > 0 && (days < 0 || days > settings.max_age))
    days = settings.rotate < 0 && by_size ? 0 : settings.max_age;
  rule.set_keep_days(days);
  return rule;
}

void LogrotateReader::AddRule(v1::LogrotateRule rule) {
  for (const v1::LogrotateRule& known : rules_)
    if (known.path() == rule.path()) {
      troubles_.push_back(
          {rule.source(), "a second rule for " + rule.path()});
      return;
    }
  rules_.push_back(std::move(rule));
}

}  // namespace metsuke
