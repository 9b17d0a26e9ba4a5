// Fills the syslog_config table from the configuration of rsyslog or of
// syslog-ng. Another system logger is said in gaps: its rules are not read.

#include "collectors/syslog_config.h"

#include <fnmatch.h>

#include "collectors/collector.h"
#include "collectors/syslog_daemons.h"
#include "collectors/syslog_ng_reader.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "syslog_config";

// Reads what an include names, from a host.
class Includes {
 public:
  Includes(const Host& host, v1::Snapshot& snapshot)
      : host_(host), snapshot_(snapshot) {}

  std::vector<SyslogFile> operator()(const std::string& pattern) const {
    std::vector<SyslogFile> files;
    const size_t slash = pattern.rfind('/');
    if (pattern.find_first_of("*?[") == std::string::npos) {
      // syslog-ng takes a folder for what ends in ".conf" in it.
      const auto info = host_.Stat(pattern);
      if (info.ok() && info->kind == FileInfo::Kind::kDirectory)
        return (*this)(pattern + "/*.conf");
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

template <typename Reader>
absl::StatusOr<Reader> ReadConfig(const Host& host, const std::string& path,
                                  v1::Snapshot& snapshot) {
  auto text = host.Read(path);
  if (!text.ok()) return Annotate(text.status(), path);
  Reader reader(Includes(host, snapshot));
  reader.Read({path, *std::move(text)});
  for (v1::SyslogRoute& route : reader.Routes())
    *snapshot.add_syslog_config() = std::move(route);
  for (const SyslogTrouble& trouble : reader.troubles())
    AddGap(snapshot, kTable, trouble.where, trouble.why);
  return reader;
}

}  // namespace

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot) {
  return ReadSyslogConfig(host, snapshot).status();
}

absl::StatusOr<std::vector<SyslogInput>> ReadSyslogConfig(
    const Host& host, v1::Snapshot& snapshot) {
  const auto daemons = FindSyslogDaemons(host, kTable, snapshot);
  if (daemons.empty()) return Absent("no system logger is installed");
  std::vector<SyslogInput> inputs;
  for (const SyslogDaemon& daemon : daemons) {
    switch (daemon.kind) {
      case SyslogDaemon::Kind::kRsyslog: {
        ASSIGN_OR_RETURN(const auto reader, ReadConfig<RsyslogReader>(
                                                host, daemon.config, snapshot));
        inputs = reader.inputs();
        break;
      }
      case SyslogDaemon::Kind::kSyslogNg:
        RETURN_IF_ERROR(
            ReadConfig<SyslogNgReader>(host, daemon.config, snapshot).status());
        break;
      case SyslogDaemon::Kind::kOther:
        AddGap(snapshot, kTable, daemon.config,
               "the rules of this logger are not read; only those of rsyslog "
               "and syslog-ng are");
    }
  }
  return inputs;
}

}  // namespace metsuke
