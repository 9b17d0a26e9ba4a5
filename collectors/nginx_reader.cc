// Follows ngx_http_log_module.c of nginx 1.22: what a level says of logs takes
// the place of all that the levels around it say, "off" of all at its own.

#include "collectors/nginx_reader.h"

#include <fmt/format.h>

#include <set>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int kMaxIncludes = 16;  // in each other
constexpr int kMaxBlocks = 50;    // in each other
// Blocks and logs of all sites together.
constexpr size_t kMaxLevels = 20'000;
constexpr size_t kMaxLogs = 20'000;
// A word of more nginx refuses (NGX_CONF_BUFFER).
constexpr size_t kMaxWord = 4096;

constexpr char kCombined[] =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status "
    "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

bool IsOfName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

// The names of the variables in `format`.
std::set<std::string, std::less<>> Variables(std::string_view format) {
  std::set<std::string, std::less<>> names;
  for (size_t at = 0; (at = format.find('$', at)) != format.npos;) {
    at += format.substr(at).starts_with("${") ? 2 : 1;
    size_t end = at;
    while (end < format.size() && IsOfName(format[end])) ++end;
    names.emplace(format.substr(at, end - at));
    at = end;
  }
  return names;
}

struct Tells {
  const char* variable;
  const char* part;
};
constexpr Tells kTells[] = {
    {"remote_addr", "client"},
    {"binary_remote_addr", "client"},
    {"realip_remote_addr", "client"},
    {"proxy_protocol_addr", "client"},
    {"http_x_forwarded_for", "client"},
    {"time_local", "time"},
    {"time_iso8601", "time"},
    {"msec", "time"},
    {"request", "request"},
    {"status", "status"},
    {"remote_user", "user"},
    {"ssl_client_s_dn", "user"},
};

std::vector<std::string> Missing(std::string_view format) {
  const auto variables = Variables(format);
  std::set<std::string> found;
  for (const Tells& tells : kTells)
    if (variables.contains(tells.variable)) found.insert(tells.part);
  if (variables.contains("request_method") &&
      (variables.contains("request_uri") || variables.contains("uri")))
    found.insert("request");
  return WebMissing(found);
}

// "if=" without a variable holds always or never.
Share ShareOf(std::string_view condition) {
  if (condition.find('$') != condition.npos) return Share::kSome;
  return condition.empty() || condition == "0" ? Share::kNone : Share::kAll;
}

}  // namespace

NginxReader::NginxReader(Build build, WebInclude include)
    : build_(std::move(build)), include_(std::move(include)) {
  formats_["combined"] = {kCombined, Missing(kCombined)};
}

void NginxReader::Read(const WebFile& file) { ReadFile(file, {}); }

void NginxReader::ReadFile(const WebFile& file, Place place) {
  NginxText text(file.text);
  Block(file.path, text, place, 0);
}

// Reads up to the end of the block, or of the file when `depth` is 0.
void NginxReader::Block(const std::string& path, NginxText& text, Place place,
                        int depth) {
  std::vector<std::string> words;
  int line = 1;
  while (true) {
    const NginxText::End end = text.Read(words, line);
    const std::string where = fmt::format("{}:{}", path, line);
    for (const std::string& word : words)
      if (word.size() > kMaxWord) {
        troubles_.Tell(where, "a word is too long");
        return text.GoToEnd();
      }
    if (end == NginxText::End::kFile) {
      if (depth > 0 || !words.empty())
        troubles_.Tell(path, "the file ends within a directive");
      return;
    }
    if (end == NginxText::End::kClose) {
      if (!words.empty()) troubles_.Tell(where, "a directive has no end");
      if (depth > 0) return;
      troubles_.Tell(where, "an unexpected }");
    } else if (words.empty()) {
      troubles_.Tell(where, "an unexpected ; or {");
      if (end == NginxText::End::kOpen) return text.GoToEnd();
    } else if (end == NginxText::End::kStatement) {
      Statement(words, where, place);
    } else if (words[0].ends_with("_by_lua_block")) {
      text.SkipLua();
    } else if (depth == kMaxBlocks) {
      troubles_.Tell(where, "blocks too deep");
      return text.GoToEnd();
    } else {
      Block(path, text, Inside(words[0], where, place), depth + 1);
    }
  }
}

NginxReader::Place NginxReader::Inside(const std::string& name,
                                       const std::string& where, Place place) {
  const Within within = place.within;
  place.within = Within::kOther;
  if (within == Within::kMain && name == "http") {
    place.within = Within::kHttp;
  } else if (within == Within::kHttp && name == "server") {
    place.within = Within::kServer;
  } else if ((within == Within::kServer || within == Within::kLocation) &&
             (name == "location" || name == "if" || name == "limit_except")) {
    place.within = Within::kLocation;
  }
  if (place.within == Within::kOther) return place;
  if (levels_.size() == kMaxLevels) {
    troubles_.Tell(where, "too many blocks; this one is not read");
    place.within = Within::kOther;
    return place;
  }
  place.level = &levels_.emplace_back(Level{place.level, {}, {}});
  if (place.within == Within::kServer) place.server = &servers_.emplace_back();
  if (place.server) place.server->levels.push_back(place.level);
  return place;
}

void NginxReader::Statement(const std::vector<std::string>& words,
                            const std::string& where, Place place) {
  const Within within = place.within;
  if (within == Within::kOther || words.size() < 2) return;
  const std::string& name = words[0];
  if (name == "include") {
    Include(words[1], where, place);
  } else if (name == "access_log" && place.level) {
    AccessLog(words, where, *place.level);
  } else if (name == "log_format" && within == Within::kHttp) {
    LogFormat(words);
  } else if (name == "listen" && within == Within::kServer) {
    place.server->addresses.push_back(WebAddress(words[1], "80"));
  } else if (name == "server_name" && within == Within::kServer) {
    for (size_t i = 1; i < words.size(); ++i)
      if (!words[i].empty())
        place.server->names.push_back(
            words[i].starts_with('~') ? words[i] : Lower(words[i]));
  }
}

void NginxReader::AccessLog(const std::vector<std::string>& words,
                            const std::string& where, Level& level) {
  if (words[1] == "off") {
    level.off = where;
    return;
  }
  if (++logs_ > kMaxLogs)
    return troubles_.Tell(where, "too many logs; this one is not read");
  Log log{words[1], words.size() > 2 ? words[2] : "combined", Share::kAll,
          where};
  for (size_t i = 3; i < words.size(); ++i)
    if (words[i].starts_with("if=")) log.share = ShareOf(words[i].substr(3));
  if (log.path == "/dev/null") log.share = Share::kNone;
  // Unlike includes, logs are relative to the prefix.
  if (!log.path.starts_with('/') && !log.path.starts_with("syslog:"))
    log.path = build_.prefix + "/" + log.path;
  level.logs.push_back(std::move(log));
}

void NginxReader::LogFormat(const std::vector<std::string>& words) {
  size_t at = 2;
  if (at < words.size() && words[at].starts_with("escape=")) ++at;
  std::string format;
  for (; at < words.size(); ++at) format += words[at];
  std::vector<std::string> missing = Missing(format);
  formats_[words[1]] = {WebCut(format), std::move(missing)};
}

void NginxReader::Include(const std::string& pattern, const std::string& where,
                          Place place) {
  if (depth_ == kMaxIncludes) return troubles_.Tell(where, "includes too deep");
  const size_t slash = build_.config.rfind('/');
  ++depth_;
  for (const WebFile& file :
       include_(pattern.starts_with('/')
                    ? pattern
                    : build_.config.substr(0, slash + 1) + pattern,
                true))
    ReadFile(file, place);
  --depth_;
}

WebScope NginxReader::Scope(const Level& level) {
  const Level* says = &level;
  while (says && !says->Says()) says = says->around;
  if (says && !says->off.empty()) return {{}, says->off};
  WebScope scope;
  const std::vector<Log> silent = {
      {build_.log, "combined", Share::kAll, "default"}};
  for (const Log& log : says ? says->logs : silent) {
    const auto format = formats_.find(log.format);
    if (format == formats_.end())
      troubles_.Tell(log.source, "unknown log_format " + log.format);
    scope.logs.push_back({log.path, log.share,
                          format == formats_.end()
                              ? WebFormat{log.format, WebMissing({})}
                              : format->second,
                          log.source});
  }
  return scope;
}

void NginxReader::AddTo(WebTable& table) {
  for (const Server& server : servers_) {
    if (table.full()) return;
    WebSite site{"nginx",
                 server.names.empty() ? "" : server.names[0],
                 server.names,
                 server.addresses,
                 {}};
    if (site.addresses.empty()) site.addresses = {"*:80"};
    for (const Level* level : server.levels)
      if (level == server.levels[0] || level->Says())
        site.scopes.push_back(Scope(*level));
    table.Add(std::move(site));
  }
}

}  // namespace metsuke
