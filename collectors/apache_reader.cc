// Follows mod_log_config.c and core.c of httpd 2.4.

#include "collectors/apache_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "collectors/apache_format.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int kMaxIncludes = 20;  // AP_MAX_INCLUDE_DEPTH
constexpr int kMaxSections = 50;  // in each other
constexpr size_t kMaxHosts = 5000;
constexpr size_t kMaxLogs = 20'000;  // of all sites together
constexpr size_t kMaxText = 1 << 16;

constexpr char kCommon[] = "%h %l %u %t \"%r\" %>s %b";

// "2.4" or "2.4.1" as its numbers.
std::optional<std::array<int64_t, 3>> Version(std::string_view text) {
  std::array<int64_t, 3> version{};
  const auto pieces = Pieces(text, '.');
  if (pieces.size() > 3) return {};
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto number = Number(pieces[i]);
    if (!number) return {};
    version[i] = *number;
  }
  return version;
}

// Whether "<IfVersion OPERATOR VERSION>" holds for all of 2.4 from 2.4.1 on;
// nothing when it depends on which of them it is.
std::optional<bool> Holds(const std::vector<std::string>& words) {
  if (words.empty() || words.size() > 2) return {};
  std::string op = words.size() == 2 ? words[0] : "=";
  const bool wanted = !op.starts_with('!');
  if (!wanted) op.erase(0, 1);
  const auto version = Version(words.back());
  if (!version) return {};
  const auto [major, minor, patch] = *version;
  const bool same = major == 2 && minor == 4;
  if (same && patch > 0) return {};
  const bool later = major < 2 || (major == 2 && minor <= 4);
  if (op == ">" || op == ">=") return later == wanted;
  if (op == "<" || op == "<=") return later != wanted;
  if (op == "=" || op == "==") return !wanted;
  return {};
}

bool IsAddress(std::string_view host, std::string_view port,
               const std::string& of) {
  const size_t colon = of.rfind(':');
  const std::string_view text = of;
  const std::string_view its_host = text.substr(0, colon);
  const std::string_view its_port = text.substr(colon + 1);
  return (its_host == "*" || its_host == host) &&
         (its_port == "*" || its_port == port);
}

// "https://example.com:443" as "example.com".
std::string HostName(std::string name) {
  if (const size_t scheme = name.find("://"); scheme != name.npos)
    name.erase(0, scheme + 3);
  const size_t colon = name.rfind(':');
  if (colon != name.npos && Number(name.substr(colon + 1))) name.resize(colon);
  return name;
}

}  // namespace

ApacheReader::ApacheReader(Start start, WebInclude include)
    : start_(std::move(start)), include_(std::move(include)) {
  main_.formats["clf"] = {kCommon, ApacheMissing(kCommon)};
}

void ApacheReader::Read(const WebFile& file) { ReadFile(file, {&main_}); }

void ApacheReader::ReadFile(const WebFile& file, Place place) {
  const Lines lines = ApacheLines(file.text);
  Text text{file.path, lines};
  while (text.at < lines.size()) Section(text, "", place);
}

void ApacheReader::Section(Text& text, const std::string& name, Place place) {
  const int opened = text.at == 0 ? 1 : text.lines[text.at - 1].number;
  while (text.at < text.lines.size()) {
    const ApacheLine& line = text.lines[text.at++];
    const std::string where = fmt::format("{}:{}", text.path, line.number);
    if (line.name.size() + line.rest.size() > kMaxText) {
      troubles_.Tell(where, "the line is too long");
    } else if (line.name.starts_with("</")) {
      if (line.name != "</" + name)
        troubles_.Tell(where, "an unexpected " + line.name + ">");
      return;
    } else if (line.name.starts_with('<')) {
      Open(line, where, text, place);
    } else {
      Directive(line, where, place);
    }
  }
  if (!name.empty())
    troubles_.Tell(fmt::format("{}:{}", text.path, opened),
                   "the section has no end");
}

// Past the end of the section that has just been opened.
void ApacheReader::Skip(Text& text) {
  for (int open = 1; open > 0 && text.at < text.lines.size(); ++text.at) {
    const std::string& name = text.lines[text.at].name;
    open += name.starts_with("</") ? -1 : name.starts_with('<') ? 1 : 0;
  }
}

void ApacheReader::Open(const ApacheLine& line, const std::string& where,
                        Text& text, Place place) {
  const std::string name = line.name.substr(1);
  if (++place.depth > kMaxSections) {
    troubles_.Tell(where, "sections too deep");
    return Skip(text);
  }
  if (name == "ifmodule" || name == "ifdefine" || name == "ifversion" ||
      name == "iffile" || name == "ifdirective" || name == "ifsection") {
    if (!Taken(line, where)) return Skip(text);
  } else if (name == "macro" || name == "perl") {
    return Skip(text);  // whoever uses the macro is told of
  } else if (name != "virtualhost") {
    place.inside = true;
  } else if (hosts_.size() == kMaxHosts) {
    troubles_.Tell(where, "too many virtual hosts; this one is not read");
    return Skip(text);
  } else {
    place.server = &hosts_.emplace_back();
    for (const std::string& word : ApacheWords(Resolve(line.rest, where)))
      place.server->addresses.push_back(WebAddress(word, "*"));
  }
  Section(text, name, place);
}

// Whether httpd reads what stands in the section. What -D on its command line
// defines is not seen.
bool ApacheReader::Taken(const ApacheLine& line, const std::string& where) {
  const std::vector<std::string> words = ApacheWords(Resolve(line.rest, where));
  const std::string name = line.name.substr(1);
  if (name == "ifversion") {
    if (const auto holds = Holds(words)) return *holds;
  } else if (!words.empty() && (name == "ifmodule" || name == "ifdefine")) {
    const bool wanted = !words[0].starts_with('!');
    const std::string what = words[0].substr(wanted ? 0 : 1);
    if (name == "ifdefine") return defined_.contains(what) == wanted;
    if (loads_ || start_.modules.contains(what))
      return start_.modules.contains(what) == wanted;
  }
  troubles_.Tell(where,
                 "whether the section counts cannot be told; it is taken");
  return true;
}

// Sections name a module by its identifier or by its source, which LoadModule
// does not know: "modules/mod_ssl.so" was made from mod_ssl.c, and
// mod_mpm_event.so from event.c.
void ApacheReader::LoadModule(const std::string& name,
                              const std::string& file) {
  loads_ = true;
  start_.modules.insert(name);
  std::string stem = file.substr(file.rfind('/') + 1);
  if (stem.ends_with(".so")) stem.resize(stem.size() - 3);
  if (stem.starts_with("mod_mpm_")) stem.erase(0, 8);
  start_.modules.insert(stem + ".c");
  if (name.ends_with("_module"))
    start_.modules.insert("mod_" + name.substr(0, name.size() - 7) + ".c");
}

void ApacheReader::Directive(const ApacheLine& line, const std::string& where,
                             Place place) {
  const std::string& name = line.name;
  constexpr auto kOurs = std::to_array<std::string_view>(
      {"customlog", "define", "globallog", "include", "includeoptional",
       "listen", "loadmodule", "logformat", "serveralias", "servername",
       "serverroot", "transferlog", "undefine", "use"});
  if (std::find(kOurs.begin(), kOurs.end(), name) == kOurs.end()) return;
  const auto words = ApacheWords(Resolve(line.rest, where));
  if (words.empty())
    return troubles_.Tell(where, name + " without an argument");
  const bool of_main = place.server == &main_ && !place.inside;
  if (name == "include" || name == "includeoptional") {
    Include(words[0], name == "include", where, place);
  } else if (name == "define") {
    defined_[words[0]] = words.size() > 1 ? words[1] : "";
  } else if (name == "undefine") {
    defined_.erase(words[0]);
  } else if (name == "loadmodule") {
    if (words.size() > 1) LoadModule(words[0], words[1]);
  } else if (name == "use") {
    troubles_.Tell(where, "the macro " + words[0] + " is not read");
  } else if (name == "serverroot") {
    if (of_main) start_.server_root = words[0];
  } else if (name == "listen") {
    if (of_main) listens_.push_back(WebAddress(words[0], "*"));
  } else if (!place.inside) {
    Name(name, words, *place.server);
    if (name.ends_with("log")) AddLog(name, words, where, *place.server);
  }
}

// Names of servers and of formats.
void ApacheReader::Name(const std::string& name,
                        const std::vector<std::string>& words, Server& server) {
  if (name == "servername") {
    server.name = HostName(words[0]);
  } else if (name == "serveralias") {
    server.aliases.insert(server.aliases.end(), words.begin(), words.end());
  } else if (name == "logformat" && words.size() > 1) {
    server.formats[Lower(words[1])] = {WebCut(words[0]),
                                       ApacheMissing(words[0])};
  } else if (name == "logformat") {
    server.format = words[0];
  }
}

void ApacheReader::AddLog(const std::string& name,
                          const std::vector<std::string>& words,
                          const std::string& where, Server& server) {
  if (++logs_ > kMaxLogs)
    return troubles_.Tell(where, "too many logs; this one is not read");
  const bool transfer = name == "transferlog";
  if (words.size() < 2 && !transfer)
    return troubles_.Tell(where, "a log without a format");
  Log log{words[0], transfer ? "" : words[1], Share::kAll, name == "globallog",
          where};
  if (words.size() > 2) log.share = Share::kSome;  // env= or expr=
  if (log.path == "/dev/null") log.share = Share::kNone;
  server.logs.push_back(std::move(log));
}

void ApacheReader::Include(const std::string& pattern, bool required,
                           const std::string& where, Place place) {
  if (depth_ == kMaxIncludes) return troubles_.Tell(where, "includes too deep");
  ++depth_;
  for (const WebFile& file : include_(Path(pattern), required))
    ReadFile(file, place);
  --depth_;
}

// What neither Define nor the environment knows stays as it is written.
std::string ApacheReader::Resolve(const std::string& text,
                                  const std::string& where) {
  std::string resolved;
  size_t at = 0;
  for (size_t start; (start = text.find("${", at)) != text.npos;) {
    const size_t end = text.find('}', start);
    if (end == text.npos || resolved.size() > kMaxText) break;
    const std::string name = text.substr(start + 2, end - start - 2);
    resolved += text.substr(at, start - at);
    if (const auto value = defined_.find(name); value != defined_.end()) {
      resolved += value->second;
    } else if (start_.variables.contains(name)) {
      resolved += start_.variables.at(name);
    } else {
      troubles_.Tell(where, "${" + name + "} has no value here");
      resolved += text.substr(start, end + 1 - start);
    }
    at = end + 1;
  }
  return resolved + text.substr(at);
}

std::string ApacheReader::Path(const std::string& path) const {
  for (const char* start : {"/", "|", "syslog:", "journald:"})
    if (path.starts_with(start)) return path;
  return start_.server_root + "/" + path;
}

WebFormat ApacheReader::FormatOf(const Server& server,
                                 const std::string& format) const {
  for (const Server* of : {&server, &main_}) {
    const auto named = of->formats.find(Lower(format));
    if (named != of->formats.end()) return named->second;
  }
  return {WebCut(format), ApacheMissing(format)};
}

// A virtual host has the main server's logs when it has none of its own, and
// those of GlobalLog in any case.
WebScope ApacheReader::Scope(const Server& server) const {
  std::vector<const Log*> logs;
  for (const Log& log : server.logs) logs.push_back(&log);
  for (const Log& log : main_.logs)
    if (&server != &main_ && (log.global || server.logs.empty()))
      logs.push_back(&log);
  const std::string silent = !server.format.empty()  ? server.format
                             : !main_.format.empty() ? main_.format
                                                     : std::string(kCommon);
  WebScope scope{{}, "default"};
  for (const Log* log : logs)
    scope.logs.push_back(
        {Path(log->path), log->share,
         FormatOf(server, log->format.empty() ? silent : log->format),
         log->source});
  return scope;
}

std::vector<std::string> ApacheReader::Untaken() const {
  std::vector<std::string> untaken;
  for (const std::string& listen : listens_) {
    const size_t colon = listen.rfind(':');
    const bool taken =
        std::any_of(hosts_.begin(), hosts_.end(), [&](const Server& host) {
          return std::any_of(host.addresses.begin(), host.addresses.end(),
                             [&](const std::string& address) {
                               return IsAddress(listen.substr(0, colon),
                                                listen.substr(colon + 1),
                                                address);
                             });
        });
    if (!taken) untaken.push_back(listen);
  }
  return untaken;
}

void ApacheReader::AddTo(WebTable& table) {
  main_.addresses = Untaken();
  const auto add = [&](const Server& server) {
    if (table.full()) return;
    WebSite site{"apache",
                 server.name,
                 server.aliases,
                 server.addresses,
                 {Scope(server)}};
    if (!server.name.empty()) site.names.push_back(server.name);
    table.Add(std::move(site));
  };
  if (!main_.addresses.empty()) add(main_);
  for (const Server& host : hosts_) add(host);
}

}  // namespace metsuke
