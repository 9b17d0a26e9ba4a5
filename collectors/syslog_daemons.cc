#include "collectors/syslog_daemons.h"

#include <algorithm>

#include "collectors/collector.h"
#include "collectors/systemd.h"
#include "proto/status.h"

namespace metsuke {
namespace {

const std::vector<SyslogDaemon>& Known() {
  using Kind = SyslogDaemon::Kind;
  const std::vector<std::string> others = {
      "inetutils-syslogd.service", "busybox-syslogd.service",
      "sysklogd.service", "syslogd.service"};
  static const auto* const known = new std::vector<SyslogDaemon>{
      {Kind::kRsyslog,
       "/usr/sbin/rsyslogd",
       "/etc/rsyslog.conf",
       {"rsyslog.service"}},
      {Kind::kSyslogNg,
       "/usr/sbin/syslog-ng",
       "/etc/syslog-ng/syslog-ng.conf",
       {"syslog-ng.service", "syslog-ng@"}},
      {Kind::kOther, "/usr/sbin/syslogd", "/etc/syslog.conf", others},
      {Kind::kOther, "/sbin/syslogd", "/etc/syslog.conf", others}};
  return *known;
}

absl::StatusOr<std::vector<std::string>> ActiveServices(const Host& host) {
  ASSIGN_OR_RETURN(Systemd systemd, Systemd::Connect(host));
  return systemd.ActiveUnits(".service");
}

}  // namespace

std::vector<SyslogDaemon> FindSyslogDaemons(const Host& host, const char* table,
                                            v1::Snapshot& snapshot) {
  std::vector<SyslogDaemon> found;
  for (const SyslogDaemon& daemon : Known()) {
    const bool again = std::ranges::any_of(found, [&](const auto& other) {
      return other.config == daemon.config;
    });
    // What is there and cannot be seen is not absent.
    if (!again && !absl::IsNotFound(host.Stat(daemon.program).status()))
      found.push_back(daemon);
  }
  if (found.size() < 2) return found;
  const auto active = ActiveServices(host);
  if (!active.ok()) {
    AddGap(snapshot, table, "system logger",
           "several are installed, and which of them runs is not known: " +
               Message(active.status()));
    return found;
  }
  std::vector<SyslogDaemon> running;
  std::ranges::copy_if(
      found, std::back_inserter(running), [&](const auto& one) {
        return std::ranges::any_of(one.units, [&](const std::string& unit) {
          return std::ranges::any_of(*active, [&](const std::string& other) {
            return unit.ends_with('@') ? other.starts_with(unit)
                                       : other == unit;
          });
        });
      });
  if (!running.empty()) return running;
  AddGap(snapshot, table, "system logger",
         "several are installed, and none of them runs as a service that is "
         "known to be its own");
  return found;
}

}  // namespace metsuke
