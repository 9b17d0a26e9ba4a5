#include "collectors/syslog_ng_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "collectors/syslog_ng_driver.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int kMaxDepth = 10;   // of includes
constexpr int kMaxFiles = 500;  // of all includes together
constexpr int kMaxFilters = 50;  // of filters that name others
constexpr char kFolder[] = "/etc/syslog-ng/";

constexpr char kMoreThanThat[] =
    "the log path depends on more than facility and severity";

bool IsNothing(const SyslogMask& mask) { return mask == SyslogMask{}; }

}  // namespace

SyslogNgReader::SyslogNgReader(Include include)
    : include_(std::move(include)) {}

void SyslogNgReader::Tell(const std::string& where, const std::string& why) {
  if (told_.emplace(where, why).second) troubles_.push_back({where, why});
}

void SyslogNgReader::Read(const SyslogFile& file) {
  if (++files_ > kMaxFiles)
    return Tell(file.path, "includes of too many files");
  Nodes part;
  const auto define = [&] {
    for (Nodes& statement : SyslogNgStatements(std::exchange(part, {})))
      Define(file.path, std::move(statement));
  };
  Nodes nodes = ReadSyslogNgTree(file.text, nodes_left_);
  if (nodes_left_ == 0)
    Tell(file.path, "too long: what stands behind is not read");
  for (SyslogNgNode& node : nodes) {
    if (node.kind != '@') {
      part.push_back(std::move(node));
      continue;
    }
    // Log paths count in the order in which they stand.
    define();
    Directive(file.path, node);
  }
  define();
}

// "@include "conf.d/*.conf""; the others, such as @version, route nothing.
void SyslogNgReader::Directive(const std::string& file,
                               const SyslogNgNode& node) {
  constexpr std::string_view kInclude = "include";
  if (!node.text.starts_with(kInclude)) return;
  std::string path(Strip(std::string_view(node.text).substr(kInclude.size())));
  // What stands behind a path in quotes is a comment.
  if (!path.empty() && (path[0] == '"' || path[0] == '\''))
    path = path.substr(1, path.find(path[0], 1) - 1);
  // What syslog-ng brings along defines names of drivers alone.
  if (path.empty() || path == "scl.conf") return;
  if (!path.starts_with('/')) path = kFolder + path;
  if (depth_ >= kMaxDepth)
    return Tell(fmt::format("{}:{}", file, node.line), "includes too deep");
  ++depth_;
  for (const SyslogFile& one : include_(path)) Read(one);
  --depth_;
}

void SyslogNgReader::Define(const std::string& file, Nodes statement) {
  const SyslogNgNode block = statement.back();
  if (statement.size() < 2 || block.kind != '{') return;
  const std::string type = statement[0].text, name = statement[1].text;
  if (std::ranges::count(statement, '{', &SyslogNgNode::kind) > 1)
    return Tell(fmt::format("{}:{}", file, statement[0].line),
                "not understood: a ; is missing");
  if (type == "log") return paths_.push_back({file, block});
  if (statement.size() != 3) return;
  if (type == "source") sources_[name] = block.inside;
  if (type == "filter") filters_[name] = block.inside;
  if (type == "destination") destinations_[name] = block.inside;
  if (type == "rewrite") rewrites_[name] = block.inside;
}

bool SyslogNgReader::HasFlag(const SyslogNgNode& block, std::string_view flag) {
  for (size_t i = 0; i + 1 < block.inside.size(); ++i)
    if (block.inside[i].Is("flags"))
      return std::ranges::any_of(block.inside[i + 1].inside,
                                 [&](auto& node) { return node.text == flag; });
  return false;
}

SyslogMatch SyslogNgReader::Filter(const std::string& name) {
  const auto filter = filters_.find(name);
  if (filter == filters_.end()) return UnknownMatch();
  // What refers to itself is none that syslog-ng takes. Each is read once, or
  // filters of two others each would take for ever.
  const auto [known, first] = read_.try_emplace(name, UnknownMatch());
  if (!first) return known->second;
  if (filter_depth_ >= kMaxFilters) {
    Tell(name, "filters of filters, too deep");
    return known->second;
  }
  ++filter_depth_;
  const auto statements = SyslogNgStatements(filter->second);
  if (statements.size() == 1)
    known->second = ReadSyslogNgFilter(
        statements[0], [&](const auto& other) { return Filter(other); });
  --filter_depth_;
  return known->second;
}

// Of the host's own messages, those that a log path takes in.
SyslogMatch SyslogNgReader::Sources(const std::string& file,
                                    const SyslogNgNode& block) {
  if (HasFlag(block, "catchall") || HasFlag(block, "catch-all")) return {};
  SyslogMatch match{{}, {}};
  for (const Nodes& statement : SyslogNgStatements(block.inside)) {
    if (!statement[0].Is("source") || statement.size() != 2) continue;
    Nodes drivers = statement[1].inside;
    if (statement[1].kind == '(') {
      if (drivers.size() != 1) continue;
      const auto source = sources_.find(drivers[0].text);
      if (source == sources_.end()) {
        Tell(fmt::format("{}:{}", file, statement[0].line),
             "no such source: " + drivers[0].text);
        continue;
      }
      drivers = source->second;
    }
    for (const Nodes& driver : SyslogNgStatements(drivers))
      match = match | ReadSyslogNgSource(
                          driver[0].text,
                          driver.size() > 1 ? driver[1].inside : Nodes{});
  }
  return match;
}

void SyslogNgReader::Act(const std::string& where, const Nodes& drivers,
                         const SyslogMatch& reached) {
  if (reached.sure != reached.maybe) Tell(where, kMoreThanThat);
  for (const Nodes& driver : SyslogNgStatements(drivers)) {
    const SyslogAction action = ReadSyslogNgDestination(
        driver[0].text, driver.size() > 1 ? driver[1].inside : Nodes{});
    // `name` of @define or of the environment.
    if (action.target.find('`') == std::string::npos)
      routes_.Add(reached.sure, action, where);
    else
      Tell(where, "a variable that is not read: " + action.target);
  }
}

// Those after a rewrite that may give them another facility or severity are of
// no known one.
SyslogMatch SyslogNgReader::Rewrite(const std::string& where,
                                    const SyslogNgNode& block,
                                    SyslogMatch reached) {
  Nodes rules = block.inside;
  if (block.kind == '(') {
    const auto known = rewrites_.find(rules.empty() ? "" : rules[0].text);
    if (known == rewrites_.end()) {
      Tell(where, "no such rewrite: " + (rules.empty() ? "" : rules[0].text));
      return reached & UnknownMatch();
    }
    rules = known->second;
  }
  const bool other = std::ranges::any_of(rules, [](const SyslogNgNode& node) {
    std::string word = node.text;
    std::ranges::replace(word, '_', '-');
    return word == "set-facility" || word == "set-severity" ||
           word == "set-pri" || word == "set-level";
  });
  return other ? UnknownMatch() : reached;
}

// "junction { channel {…}; … }" and "if (…) {…} elif (…) {…} else {…}": what
// comes out of them may have been held back in them.
SyslogMatch SyslogNgReader::Branches(const std::string& file,
                                     const Nodes& statement,
                                     SyslogMatch reached) {
  SyslogMatch left = reached;
  SyslogMatch condition;
  for (size_t i = 1; i < statement.size(); ++i) {
    const SyslogNgNode& node = statement[i];
    if (node.kind == '(') {
      condition = ReadSyslogNgFilter(
          node.inside, [&](const auto& name) { return Filter(name); });
    } else if (node.kind == '{') {
      // "if { filter(…); … }" tells by what gets through whether it was that.
      const bool by_block =
          statement[i - 1].Is("if") || statement[i - 1].Is("elif");
      if (statement[0].Is("channel")) {
        Follow(file, node, reached, true);
      } else if (statement[0].Is("junction")) {
        std::vector<LogPath> channels;
        for (const Nodes& channel : SyslogNgStatements(node.inside))
          channels.push_back({file, channel.back()});
        Siblings(channels, reached, true);
      } else {
        Follow(file, node, left & condition, true);
      }
      left = left & (by_block ? UnknownMatch() : ~condition);
      condition = {};
    }
  }
  return reached & UnknownMatch();
}

// What is left of the messages after one element of a log path.
SyslogMatch SyslogNgReader::Element(const std::string& file,
                                    const Nodes& statement,
                                    SyslogMatch reached) {
  const std::string where = fmt::format("{}:{}", file, statement[0].line);
  const std::string& word = statement[0].text;
  if (word == "if" || word == "junction" || word == "channel")
    return Branches(file, statement, reached);
  if (statement.size() != 2) {
    Tell(where, "not understood: " + word);
    return reached & UnknownMatch();
  }
  const SyslogNgNode& block = statement[1];
  const bool inlined = block.kind == '{';
  const std::string name =
      !inlined && block.inside.size() == 1 ? block.inside[0].text : "";
  if (word == "filter") {
    if (!inlined && !filters_.contains(name))
      Tell(where, "no such filter: " + name);
    const auto statements = SyslogNgStatements(block.inside);
    return reached &
           (!inlined ? Filter(name)
            : statements.size() != 1
                ? UnknownMatch()
                : ReadSyslogNgFilter(statements[0], [&](const auto& other) {
                    return Filter(other);
                  }));
  }
  // What it cannot read it drops.
  if (word == "parser") return reached & UnknownMatch();
  if (word == "rewrite") return Rewrite(where, block, reached);
  // Follow sees to them.
  if (word == "source" || word == "flags") return reached;
  if (word == "destination") {
    const auto known = destinations_.find(name);
    if (inlined)
      Act(where, block.inside, reached);
    else if (known != destinations_.end())
      Act(where, known->second, reached);
    else
      Tell(where, "no such destination: " + name);
    return reached;
  }
  Tell(where, "not understood: " + word);
  return reached & UnknownMatch();
}

SyslogNgReader::Passed SyslogNgReader::Follow(const std::string& file,
                                              const SyslogNgNode& block,
                                              SyslogMatch reached, bool inner) {
  if (!inner) reached = reached & Sources(file, block);
  if (IsNothing(reached.maybe)) return {reached, false};
  // The paths within this one stand behind its elements.
  std::vector<LogPath> within;
  for (const Nodes& statement : SyslogNgStatements(block.inside)) {
    if (statement[0].Is("log"))
      within.push_back({file, statement.back()});
    else
      reached = Element(file, statement, reached);
  }
  Siblings(within, reached, true);
  return {reached, HasFlag(block, "final")};
}

void SyslogNgReader::Siblings(const std::vector<LogPath>& paths,
                              const SyslogMatch& reached, bool inner) {
  SyslogMatch left = reached, unmatched;
  for (const bool fallback : {false, true})
    for (const LogPath& path : paths) {
      if (HasFlag(path.block, "fallback") != fallback) continue;
      const Passed passed = Follow(path.file, path.block,
                                   fallback ? unmatched & left : left, inner);
      if (!fallback) unmatched = unmatched & ~passed.match;
      if (passed.final) left = left & ~passed.match;
    }
}

std::vector<v1::SyslogRoute> SyslogNgReader::Routes() {
  routes_ = SyslogRoutes();
  read_.clear();
  Siblings(paths_, {}, false);
  return routes_.Rows("syslog-ng");
}

}  // namespace metsuke
