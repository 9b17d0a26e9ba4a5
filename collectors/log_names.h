// What the names of log files say.

#ifndef METSUKE_COLLECTORS_LOG_NAMES_H_
#define METSUKE_COLLECTORS_LOG_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

#include "collectors/log_reader.h"

namespace metsuke {

// What the files of a log are called without what logrotate, auditd or wtmpdb
// add: "syslog" for "syslog.2.gz", "app.log" for "app.log-20261121.zst" and
// "app-20261121.log". Other names are their own.
std::string LogBase(std::string_view name);

// The number by which a file of the log `base` was rotated: 2 for "syslog.2.gz" of
// "syslog". 0 for the current file; nothing for any other name, a date, and the 0
// with which savelog(8) begins.
std::optional<int> RotationOf(std::string_view name, std::string_view base);

// The digits of the date in the name of a rotated file: "20261121" for
// "app.log-2026-11-21.zst"; nothing where it has none.
std::optional<std::string> DateOf(std::string_view name);

// Column source of v1::LogSource, for a log at this path that neither the
// system logger nor auditd is known to write.
std::string LogKind(std::string_view path);

LogFormat LogFormatOf(std::string_view path);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_NAMES_H_
