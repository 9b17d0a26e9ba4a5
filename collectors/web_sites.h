// Sites of web servers and their logs, as both servers' readers tell them, and
// the rows of web_access_logs that follow.

#ifndef METSUKE_COLLECTORS_WEB_SITES_H_
#define METSUKE_COLLECTORS_WEB_SITES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// A configuration file and where it stands.
struct WebFile {
  std::string path;
  std::string text;
};

// The files that a pattern of an include directive stands for, in their order.
// Without `required` it may stand for none.
using WebInclude = std::function<std::vector<WebFile>(
    const std::string& pattern, bool required)>;

// File and line of what was not understood, and why; each once, and so many
// that a person can still read them.
class WebTroubles {
 public:
  void Tell(const std::string& where, const std::string& why);
  const std::set<std::pair<std::string, std::string>>& all() const {
    return all_;
  }

 private:
  std::set<std::pair<std::string, std::string>> all_;
};

// How many of the requests it could get a log gets.
enum class Share { kNone, kSome, kAll };

struct WebFormat {
  std::string text;
  std::vector<std::string> missing;  // see WebMissing
};

struct WebLog {
  std::string path;
  Share share = Share::kAll;
  WebFormat format;
  std::string source;
};

// Requests that are logged alike: all of a site, or those of one location.
struct WebScope {
  std::vector<WebLog> logs;
  std::string source;  // of there being none
};

struct WebSite {
  const char* server;
  std::string name;  // the first; may be empty
  std::vector<std::string> names;
  std::vector<std::string> addresses;
  std::vector<WebScope> scopes;  // one at least
};

// "80", "192.0.2.1" and "[::]:443" with both halves: "*:80", "192.0.2.1:80",
// "[::]:443". `port` is the one that is meant when none is written.
std::string WebAddress(std::string_view text, std::string_view port);

// What of "client", "time", "request", "status" and "user" is not in `found`,
// sorted.
std::vector<std::string> WebMissing(const std::set<std::string>& found);

// The beginning of a format as far as a row holds it.
std::string WebCut(std::string_view format);

// The table while it grows.
class WebTable {
 public:
  void Add(WebSite site);

  const std::vector<v1::WebAccessLog>& rows() const { return rows_; }
  // Whether there was more than a table may hold.
  bool full() const { return full_; }

 private:
  std::string Unique(const WebSite& site);

  std::vector<v1::WebAccessLog> rows_;
  std::map<std::string, int> called_;
  size_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_WEB_SITES_H_
