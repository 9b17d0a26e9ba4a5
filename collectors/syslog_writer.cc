#include "collectors/syslog_writer.h"

#include <fnmatch.h>

#include <algorithm>

#include "collectors/collector.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Whether who takes the severities of `more` takes all of `less`, both as
// v1::SyslogRoute has them.
bool Covers(const std::string& more, const std::string& less) {
  if (more == less) return true;
  const auto most = SeverityCode(more), least = SeverityCode(less);
  // Of several each has a "=" before it.
  return more == "debug" || (most && least && *most >= *least);
}

}  // namespace

SyslogWriter::SyslogWriter(const Host& host, const Trouble& trouble) {
  v1::Snapshot read;
  auto inputs = ReadSyslogConfig(host, read);
  if (inputs.ok())
    inputs_ = *std::move(inputs);
  else if (!IsAbsent(inputs.status()))
    trouble("the system logger's configuration", Message(inputs.status()));
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
                 Covers(other->second.severity(), rule.second.severity());
        }))
      return target;
  return "";
}

std::string SyslogWriter::CopyOfInput(const std::string& path) const {
  for (const SyslogInput& input : inputs_) {
    if (fnmatch(input.path.c_str(), path.c_str(), FNM_PATHNAME) != 0) continue;
    v1::SyslogRoute lines;
    lines.set_severity(input.severity);
    if (std::string copy = CopyOf({{input.facility, lines}}); !copy.empty())
      return copy;
  }
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
