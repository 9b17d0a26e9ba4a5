// Fills the syslog_config table from the configuration of rsyslog. Another
// system logger than rsyslog is said in gaps: its rules are not read.

#include "collectors/syslog_config.h"

#include <fnmatch.h>

#include "collectors/collector.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "syslog_config";
constexpr char kMain[] = "/etc/rsyslog.conf";

// Other loggers and where their rules stand.
struct Logger {
  std::string_view program;
  std::string_view config;
};
constexpr Logger kOthers[] = {
    {"/usr/sbin/syslog-ng", "/etc/syslog-ng/syslog-ng.conf"},
    {"/usr/sbin/syslogd", "/etc/syslog.conf"},
    {"/sbin/syslogd", "/etc/syslog.conf"},
};

// Reads what an include names, from a host.
class Includes {
 public:
  Includes(const Host& host, v1::Snapshot& snapshot)
      : host_(host), snapshot_(snapshot) {}

  std::vector<SyslogFile> operator()(const std::string& pattern) const {
    std::vector<SyslogFile> files;
    const size_t slash = pattern.rfind('/');
    if (pattern.find_first_of("*?[") == std::string::npos) {
      AddFile(pattern, files);
      return files;
    }
    const std::string folder = pattern.substr(0, slash);
    const auto names = host_.List(folder);
    if (slash == std::string::npos ||
        folder.find_first_of("*?[") != std::string::npos)
      AddGap(snapshot_, kTable, pattern, "wildcards in the folder's name");
    else if (!names.ok() && !absl::IsNotFound(names.status()))
      AddGap(snapshot_, kTable, folder, Message(names.status()));
    else if (names.ok())
      for (const std::string& name : *names)
        if (fnmatch(pattern.c_str() + slash + 1, name.c_str(), FNM_PERIOD) == 0)
          AddFile(folder + "/" + name, files);
    return files;
  }

 private:
  void AddFile(const std::string& path, std::vector<SyslogFile>& files) const {
    auto text = host_.Read(path);
    if (text.ok())
      files.push_back({path, *std::move(text)});
    else
      AddGap(snapshot_, kTable, path, Message(text.status()));
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
};

absl::Status ReadRsyslog(const Host& host, v1::Snapshot& snapshot) {
  auto text = host.Read(kMain);
  if (!text.ok()) return Annotate(text.status(), kMain);
  RsyslogReader reader(Includes(host, snapshot));
  reader.Read({kMain, *std::move(text)});
  for (v1::SyslogRoute& route : reader.Routes())
    *snapshot.add_syslog_config() = std::move(route);
  for (const RsyslogReader::Trouble& trouble : reader.troubles())
    AddGap(snapshot, kTable, trouble.where, trouble.why);
  return absl::OkStatus();
}

}  // namespace

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot) {
  // What is there and cannot be seen is not absent.
  const auto installed = [&](std::string_view program) {
    return !absl::IsNotFound(host.Stat(program).status());
  };
  const bool rsyslog = installed("/usr/sbin/rsyslogd");
  bool other = false;
  for (const Logger& logger : kOthers) {
    if (other || !installed(logger.program)) continue;
    other = true;
    AddGap(snapshot, kTable, logger.config,
           "the rules of this logger are not read; only rsyslog's are");
  }
  if (rsyslog) return ReadRsyslog(host, snapshot);
  if (other) return absl::OkStatus();
  return Absent("no system logger is installed");
}

}  // namespace metsuke
