// The configuration language of nginx, as far as it says which requests are
// logged, without a host.

#ifndef METSUKE_COLLECTORS_NGINX_READER_H_
#define METSUKE_COLLECTORS_NGINX_READER_H_

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/web_sites.h"

namespace metsuke {

// Words, ";", "{" and "}" as ngx_conf_read_token of nginx 1.22 tells them
// apart.
class NginxText {
 public:
  // `text` must outlive it.
  explicit NginxText(std::string_view text) : text_(text) {}

  enum class End { kStatement, kOpen, kClose, kFile };
  // Reads words up to what ends them; `line` is that of the first one.
  End Read(std::vector<std::string>& words, int& line);

  // Past the block of Lua that has just been opened.
  void SkipLua();

  void GoToEnd() { at_ = text_.size(); }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  void Next();
  void SkipLine();
  void SkipLuaString(char quote);
  void Word(std::string& word);
  void Escape(std::string& word);

  const std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

class NginxReader {
 public:
  // What was chosen when nginx was built; the values are those of Debian,
  // RHEL and their kin.
  struct Build {
    std::string prefix = "/usr/share/nginx";
    std::string config = "/etc/nginx/nginx.conf";
    std::string log = "/var/log/nginx/access.log";
  };

  NginxReader(Build build, WebInclude include);

  // Reads the main file and what it includes.
  void Read(const WebFile& file);

  // Adds the sites that were read.
  void AddTo(WebTable& table);

  const WebTroubles& troubles() const { return troubles_; }

 private:
  struct Log {
    std::string path;
    std::string format;  // its name
    Share share;
    std::string source;
  };
  // A block that may say how requests are logged; what it does not say, the
  // block around it does.
  struct Level {
    const Level* around;
    std::vector<Log> logs;
    std::string off;  // where "access_log off" stands
    bool Says() const { return !off.empty() || !logs.empty(); }
  };
  struct Server {
    std::vector<std::string> names, addresses;
    std::vector<Level*> levels;  // its own first, then those of its locations
  };
  enum class Within { kMain, kHttp, kServer, kLocation, kOther };
  struct Place {
    Within within = Within::kMain;
    Level* level = nullptr;
    Server* server = nullptr;
  };

  void ReadFile(const WebFile& file, Place place);
  void Block(const std::string& path, NginxText& text, Place place, int depth);
  Place Inside(const std::string& name, const std::string& where, Place place);
  void Statement(const std::vector<std::string>& words,
                 const std::string& where, Place place);
  void AccessLog(const std::vector<std::string>& words,
                 const std::string& where, Level& level);
  void LogFormat(const std::vector<std::string>& words);
  void Include(const std::string& pattern, const std::string& where,
               Place place);
  WebScope Scope(const Level& level);

  const Build build_;
  const WebInclude include_;
  std::deque<Level> levels_;
  std::deque<Server> servers_;
  std::map<std::string, WebFormat> formats_;
  size_t logs_ = 0;
  int depth_ = 0;
  WebTroubles troubles_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_NGINX_READER_H_
