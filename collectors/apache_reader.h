// The configuration language of Apache httpd, as far as it says which requests
// are logged, without a host.

#ifndef METSUKE_COLLECTORS_APACHE_READER_H_
#define METSUKE_COLLECTORS_APACHE_READER_H_

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/web_sites.h"

namespace metsuke {

// A line of a configuration file, after "\" at its end has joined it with the
// next.
struct ApacheLine {
  int number;        // of the first of them
  std::string name;  // in lower case; "<name" and "</name" of a section
  std::string rest;  // without the ">" of a section
};
std::vector<ApacheLine> ApacheLines(std::string_view text);

// The arguments on a line: words or quoted text (ap_getword_conf).
std::vector<std::string> ApacheWords(std::string_view text);

class ApacheReader {
 public:
  // What is known before the first line.
  struct Start {
    std::string server_root;
    std::map<std::string, std::string> variables;  // of the environment
    std::set<std::string> modules;  // built in: "mod_so.c", "so_module"
  };

  ApacheReader(Start start, WebInclude include);

  // Reads the main file and what it includes.
  void Read(const WebFile& file);

  // Adds the sites that were read.
  void AddTo(WebTable& table);

  const WebTroubles& troubles() const { return troubles_; }

 private:
  using Lines = std::vector<ApacheLine>;
  struct Log {
    std::string path;
    std::string format;  // or its name; empty for the default
    Share share;
    bool global;
    std::string source;
  };
  // The main server or a virtual host. Without a format a log has the default.
  struct Server {
    std::string name;
    std::vector<std::string> aliases, addresses;
    std::vector<Log> logs;
    std::map<std::string, WebFormat> formats;  // names in lower case
    std::string format;                        // the default; may be a name
  };
  // A file while it is read.
  struct Text {
    const std::string& path;
    const Lines& lines;
    size_t at = 0;
  };
  // Where a line stands: whose it is, and whether within a section in which
  // nothing of logs may stand.
  struct Place {
    Server* server;
    bool inside = false;
    int depth = 0;
  };

  void ReadFile(const WebFile& file, Place place);
  // Reads up to the end of the section called `name`, or of the file.
  void Section(Text& text, const std::string& name, Place place);
  static void Skip(Text& text);
  void Open(const ApacheLine& line, const std::string& where, Text& text,
            Place place);
  bool Taken(const ApacheLine& line, const std::string& where);
  bool HasModule(const std::string& name, const std::string& where);
  void LoadModule(const std::string& name, const std::string& file);
  void Directive(const ApacheLine& line, const std::string& where, Place place);
  void Name(const std::string& name, const std::vector<std::string>& words,
            Server& server);
  void AddLog(const std::string& name, const std::vector<std::string>& words,
              const std::string& where, Server& server);
  void Include(const std::string& pattern, bool required,
               const std::string& where, Place place);
  // `text` with the values of variables in it.
  std::string Resolve(const std::string& text, const std::string& where);
  std::string Path(const std::string& path) const;

  WebFormat FormatOf(const Server& server, const std::string& format) const;
  WebScope Scope(const Server& server) const;
  // The addresses that the main server has and no virtual host takes.
  std::vector<std::string> Untaken() const;

  Start start_;
  const WebInclude include_;
  std::map<std::string, std::string> defined_;  // by Define
  bool loads_ = false;                          // whether a LoadModule was seen
  Server main_;
  std::deque<Server> hosts_;
  std::vector<std::string> listens_;
  size_t logs_ = 0;
  int depth_ = 0;
  WebTroubles troubles_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_APACHE_READER_H_
