// Where the messages of each facility go, added up from the rules of a system
// logger.

#ifndef METSUKE_COLLECTORS_SYSLOG_ROUTES_H_
#define METSUKE_COLLECTORS_SYSLOG_ROUTES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// Which messages a rule speaks of: for each facility, by its code of
// RFC 5424, one bit per severity, bit 0 is emerg.
using SyslogMask = std::array<uint8_t, 24>;

// All messages, and none.
SyslogMask EveryMessage();
SyslogMask operator&(SyslogMask a, const SyslogMask& b);
SyslogMask operator|(SyslogMask a, const SyslogMask& b);
SyslogMask operator~(SyslogMask mask);

// The code of a facility or a severity by its name, in any case, with the names
// that both rsyslog and syslog-ng know; nothing when it is none.
std::optional<int> FacilityCode(std::string_view name);
std::optional<int> SeverityCode(std::string_view name);

// What happens to a message: `action` and `target` of v1::SyslogRoute.
struct SyslogAction {
  std::string action;
  std::string target;
};

// File and line of what could not be expanded, and why.
struct SyslogTrouble {
  std::string where;
  std::string why;
};

class SyslogRoutes {
 public:
  // The messages of `mask` that are still there undergo `action`, by the rule
  // at `source`; those that it discards are not there for later ones.
  void Add(const SyslogMask& mask, const SyslogAction& action,
           const std::string& source);
  // Takes messages away from later rules.
  void End(const SyslogMask& mask) { alive_ = alive_ & ~mask; }

  // One row per facility, action and target, in the order of the rules.
  std::vector<v1::SyslogRoute> Rows(const std::string& daemon) const;

 private:
  struct Route {
    SyslogMask mask;
    SyslogAction action;
    std::string source;
  };

  // What no earlier rule has discarded.
  SyslogMask alive_ = EveryMessage();
  std::vector<Route> routes_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_ROUTES_H_
