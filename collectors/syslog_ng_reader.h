// The configuration language of syslog-ng.conf(5), without a host.

#ifndef METSUKE_COLLECTORS_SYSLOG_NG_READER_H_
#define METSUKE_COLLECTORS_SYSLOG_NG_READER_H_

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "collectors/syslog_config.h"
#include "collectors/syslog_ng_filter.h"
#include "collectors/syslog_ng_tree.h"
#include "collectors/syslog_routes.h"

namespace metsuke {

// Reads configuration files in syslog-ng's order and tells where each facility
// of the host's own messages goes. What depends on more than facility and
// severity is told in troubles, by file and line, and expands to nothing.
class SyslogNgReader {
 public:
  // The files that a path with wildcards in its last part, or a folder, stands
  // for, in the order of their names.
  using Include = RsyslogReader::Include;

  explicit SyslogNgReader(Include include);

  // Reads a file with what it includes.
  void Read(const SyslogFile& file);

  // One row per facility, action and target, in the order of the log paths;
  // what is named may stand behind them.
  std::vector<v1::SyslogRoute> Routes();

  const std::vector<SyslogTrouble>& troubles() const { return troubles_; }

 private:
  using Nodes = std::vector<SyslogNgNode>;
  struct LogPath {
    std::string file;
    SyslogNgNode block;
  };

  void Directive(const std::string& file, const SyslogNgNode& node);
  void Define(const std::string& file, Nodes statement);
  void Tell(const std::string& where, const std::string& why);

  // The messages that reach the end of a log path, which got those of
  // `reached`. `sure` of them are all that others need not see when its flags
  // say so.
  struct Passed {
    SyslogMatch match;
    bool final = false;
  };
  Passed Follow(const std::string& file, const SyslogNgNode& block,
                SyslogMatch reached, bool inner);
  SyslogMatch Element(const std::string& file, const Nodes& statement,
                      SyslogMatch reached);
  // What is left when fields of the messages are changed.
  SyslogMatch Rewrite(const std::string& where, const SyslogNgNode& block,
                      SyslogMatch reached);
  SyslogMatch Branches(const std::string& file, const Nodes& statement,
                       SyslogMatch reached);
  void Act(const std::string& where, const Nodes& drivers,
           const SyslogMatch& reached);
  SyslogMatch Sources(const std::string& file, const SyslogNgNode& block);
  // Follows log paths that stand side by side; those of flags(fallback) get
  // what no other has taken.
  void Siblings(const std::vector<LogPath>& paths, const SyslogMatch& reached,
                bool inner);
  SyslogMatch Filter(const std::string& name);
  static bool HasFlag(const SyslogNgNode& block, std::string_view flag);

  const Include include_;
  int depth_ = 0, files_ = 0, filter_depth_ = 0;
  size_t nodes_left_ = 200'000;  // of all files together
  std::map<std::string, Nodes> sources_, filters_, destinations_, rewrites_;
  std::map<std::string, SyslogMatch> read_;  // of filters_, those that are known
  std::vector<LogPath> paths_;
  SyslogRoutes routes_;
  std::set<std::pair<std::string, std::string>> told_;
  std::vector<SyslogTrouble> troubles_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_NG_READER_H_
