#include "collectors/syslog_writer.h"

#include <algorithm>

#include "collectors/collector.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);

SyslogWriter::SyslogWriter(const Host& host, const Trouble& trouble) {
  v1::Snapshot read;
  const absl::Status status = CollectSyslogConfig(host, read);
  if (!status.ok() && !IsAbsent(status))
    trouble("rsyslog's configuration", Message(status));
  for (const v1::Gap& gap : read.gaps()) trouble(gap.subject(), gap.reason());
  for (const v1::SyslogRoute& route : read.syslog_config()) {
    if (route.action() == "file")
      files_[route.target()][route.facility()] = route;
    else if (route.action() == "forward")
      sent_[route.target()][route.facility()] = route;
  }
}

std::string SyslogWriter::CopyOf(const Rules& rules) const {
  for (const auto& [target, others] : sent_)
    if (std::ranges::all_of(rules, [&, &others = others](const auto& rule) {
          const auto other = others.find(rule.first);
          return other != others.end() &&
                 (other->second.severity() == "debug" ||
                  other->second.severity() == rule.second.severity());
        }))
      return target;
  return "";
}

void SyslogWriter::Describe(const Rules& rules, v1::LogSource& row) {
  const bool auth = std::ranges::all_of(rules, [](const auto& rule) {
    return rule.first == "auth" || rule.first == "authpriv";
  });
  row.set_source(auth ? "auth" : "syslog");
  row.set_writer(rules.begin()->second.daemon());
  for (const auto& [facility, rule] : rules) row.add_facilities(facility);
}

}  // namespace metsuke
