// Drivers of syslog-ng.conf(5): what a source takes in and a destination does.

#ifndef METSUKE_COLLECTORS_SYSLOG_NG_DRIVER_H_
#define METSUKE_COLLECTORS_SYSLOG_NG_DRIVER_H_

#include <string>
#include <vector>

#include "collectors/syslog_ng_tree.h"
#include "collectors/syslog_ng_filter.h"
#include "collectors/syslog_routes.h"

namespace metsuke {

// Of the host's own messages, those that come in by a source's driver: none by
// one that listens to other hosts, and nobody knows which by one that is not
// known here.
SyslogMatch ReadSyslogNgSource(std::string driver,
                               const std::vector<SyslogNgNode>& options);

// What a destination's driver does with a message.
SyslogAction ReadSyslogNgDestination(const std::string& driver,
                                     const std::vector<SyslogNgNode>& options);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_NG_DRIVER_H_
