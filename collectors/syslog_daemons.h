// The system loggers of a host, and which of them does the work.

#ifndef METSUKE_COLLECTORS_SYSLOG_DAEMONS_H_
#define METSUKE_COLLECTORS_SYSLOG_DAEMONS_H_

#include <string>
#include <vector>

#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

struct SyslogDaemon {
  enum class Kind { kRsyslog, kSyslogNg, kOther };
  Kind kind;
  std::string program;  // path
  std::string config;   // path of the file with its rules
  // Names of services, or of templates up to their "@".
  std::vector<std::string> units;
};

// Those that are installed; of several those that run, if any does. Adds to
// `snapshot` a gap of `table` when that is not to be known, and returns all
// then.
std::vector<SyslogDaemon> FindSyslogDaemons(const Host& host, const char* table,
                                            v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_DAEMONS_H_
