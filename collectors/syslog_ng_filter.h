// Filters of syslog-ng.conf(5), as far as they go by facility and severity.

#ifndef METSUKE_COLLECTORS_SYSLOG_NG_FILTER_H_
#define METSUKE_COLLECTORS_SYSLOG_NG_FILTER_H_

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "collectors/syslog_ng_tree.h"
#include "collectors/syslog_routes.h"

namespace metsuke {

// Which messages a filter lets through, whatever else is in them, and which it
// may let through: more than the former where it asks for other things than
// facility and severity.
struct SyslogMatch {
  SyslogMask sure = EveryMessage();
  SyslogMask maybe = EveryMessage();
};

SyslogMatch operator&(const SyslogMatch& a, const SyslogMatch& b);
SyslogMatch operator|(const SyslogMatch& a, const SyslogMatch& b);
SyslogMatch operator~(const SyslogMatch& match);

// What nothing is known of.
SyslogMatch UnknownMatch();

// The filter whose expression this is. `named` tells those that it names.
SyslogMatch ReadSyslogNgFilter(
    std::span<const SyslogNgNode> expression,
    const std::function<SyslogMatch(const std::string& name)>& named);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_NG_FILTER_H_
