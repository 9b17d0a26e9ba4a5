// Fills the logrotate_rules table from /etc/logrotate.conf and what it
// includes.

#include "collectors/logrotate_rules.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "collectors/collector.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectLogrotateRules(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "logrotate_rules";
constexpr char kMain[] = "/etc/logrotate.conf";

// Reads the files of an include directive from a host.
class Includes {
 public:
  Includes(const Host& host, v1::Snapshot& snapshot)
      : host_(host), snapshot_(snapshot) {}

  std::vector<LogrotateFile> operator()(
      const std::string& path, const std::vector<std::string>& taboo) const {
    std::vector<LogrotateFile> files;
    const auto info = host_.Stat(path);
    if (!info.ok()) {
      AddGap(snapshot_, kTable, path, Message(info.status()));
    } else if (info->kind != FileInfo::Kind::kDirectory) {
      AddFile(path, files);
    } else if (const auto names = host_.List(path); !names.ok()) {
      AddGap(snapshot_, kTable, path, Message(names.status()));
    } else {
      for (const std::string& name : *names)
        if (!IsTaboo(name, taboo)) AddFile(path + "/" + name, files);
    }
    return files;
  }

 private:
  static bool IsTaboo(const std::string& name,
                      const std::vector<std::string>& taboo) {
    return std::any_of(taboo.begin(), taboo.end(), [&](const auto& pattern) {
      return fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
    });
  }

  // logrotate passes over what is no regular file, and over a file that
  // somebody besides root could have written.
  void AddFile(const std::string& path,
               std::vector<LogrotateFile>& files) const {
    const auto info = host_.Stat(path);
    if (!info.ok())
      return AddGap(snapshot_, kTable, path, Message(info.status()));
    if (info->kind != FileInfo::Kind::kRegular) return;
    if (info->uid != 0 || (info->mode & 0022) != 0)
      return AddGap(snapshot_, kTable, path,
                    "logrotate ignores it: its owner is not root, or others "
                    "may write to it");
    auto text = host_.Read(path);
    if (!text.ok())
      return AddGap(snapshot_, kTable, path, Message(text.status()));
    files.push_back({path, *std::move(text)});
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
};

}  // namespace

absl::Status CollectLogrotateRules(const Host& host, v1::Snapshot& snapshot) {
  if (absl::IsNotFound(host.Stat("/usr/sbin/logrotate").status()))
    return Absent("logrotate is not installed");
  auto text = host.Read(kMain);
  if (!text.ok()) return Annotate(text.status(), kMain);
  LogrotateReader reader(Includes(host, snapshot));
  reader.Read({kMain, *std::move(text)});
  for (const v1::LogrotateRule& rule : reader.rules())
    *snapshot.add_logrotate_rules() = rule;
  for (const LogrotateReader::Trouble& trouble : reader.troubles())
    AddGap(snapshot, kTable, trouble.where, trouble.why);
  return absl::OkStatus();
}

}  // namespace metsuke
