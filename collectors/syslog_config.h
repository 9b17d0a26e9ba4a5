// The configuration language of rsyslog.conf(5), without a host.

#ifndef METSUKE_COLLECTORS_SYSLOG_CONFIG_H_
#define METSUKE_COLLECTORS_SYSLOG_CONFIG_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/syslog_routes.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// The messages a selector such as "*.info;mail.none" takes; nothing when a
// facility or severity is none that rsyslog knows.
std::optional<SyslogMask> ReadSelector(std::string_view selector);

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

// Files that rsyslog reads (imfile), and as what it takes each of their lines.
struct SyslogInput {
  std::string path;  // a pattern of glob(7)
  std::string facility = "local0", severity = "notice";
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

  // Those whose lines go by the rules that are read, and not by a ruleset's.
  const std::vector<SyslogInput>& inputs() const { return inputs_; }

  using Trouble = SyslogTrouble;
  const std::vector<Trouble>& troubles() const { return troubles_; }

 private:
  class File;

  const Include include_;
  int depth_ = 0;
  SyslogRoutes routes_;
  std::vector<SyslogInput> inputs_;
  // As $InputFile directives have set it so far, and whether to a ruleset.
  SyslogInput legacy_;
  bool legacy_bound_ = false;
  std::vector<Trouble> troubles_;
};

// Adds the rows of syslog_config and its gaps, as its collector does, and returns
// what the logger reads besides.
absl::StatusOr<std::vector<SyslogInput>> ReadSyslogConfig(
    const Host& host, v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_CONFIG_H_
