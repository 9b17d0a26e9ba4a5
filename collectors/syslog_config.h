// The configuration language of rsyslog.conf(5), without a host.

#ifndef METSUKE_COLLECTORS_SYSLOG_CONFIG_H_
#define METSUKE_COLLECTORS_SYSLOG_CONFIG_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// Which messages a rule speaks of: for each facility, by its code of
// RFC 5424, one bit per severity, bit 0 is emerg.
using SyslogMask = std::array<uint8_t, 24>;

// The messages a selector such as "*.info;mail.none" takes; nothing when a
// facility or severity is none that rsyslog knows.
std::optional<SyslogMask> ReadSelector(std::string_view selector);

// What happens to a message: `action` and `target` of v1::SyslogRoute.
struct SyslogAction {
  std::string action;
  std::string target;
};

// The action of a legacy line, "-/var/log/syslog" or "@@loghost:514".
SyslogAction ReadLegacyAction(std::string_view text);

// The action of action(TEXT), such as `type="omfile" file="/var/log/x"`.
SyslogAction ReadScriptAction(std::string_view text);

// The value of `name` in the parameters of a script object; empty when it is
// not there. The parts of an array are joined by ",".
std::string ScriptParameter(std::string_view text, std::string_view name);

// A configuration file and where it stands.
struct SyslogFile {
  std::string path;
  std::string text;
};

// Reads configuration files in rsyslog's order and collects where each
// facility goes. Rules that depend on more than facility and severity are told
// in troubles, by file and line, and expand to nothing.
class RsyslogReader {
 public:
  // The files that match a path with wildcards in its last part, in the order
  // of their names.
  using Include =
      std::function<std::vector<SyslogFile>(const std::string& pattern)>;

  explicit RsyslogReader(Include include);

  void Read(const SyslogFile& file);

  // One row per facility, action and target, in the order of the rules.
  std::vector<v1::SyslogRoute> Routes() const;

  // File and line of what could not be expanded, and why.
  struct Trouble {
    std::string where;
    std::string why;
  };
  const std::vector<Trouble>& troubles() const { return troubles_; }

 private:
  class File;

  struct Route {
    SyslogMask mask;
    SyslogAction action;
    std::string source;
  };

  void AddRoute(const SyslogMask& mask, const SyslogAction& action,
                const std::string& source);

  const Include include_;
  int depth_ = 0;
  // What no earlier rule has discarded.
  SyslogMask alive_;
  std::vector<Route> routes_;
  std::vector<Trouble> troubles_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_CONFIG_H_
