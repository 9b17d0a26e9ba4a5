#include "collectors/log_streams.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "collectors/log_names.h"
#include "collectors/log_retention.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kDeepest = 4;
constexpr size_t kMostFiles = 4096;

class Finder {
 public:
  Finder(const Host& host, const std::set<std::string>& whole, Gaps& gaps)
      : host_(host), whole_(whole), gaps_(gaps) {}

  void Look(const std::string& folder, int depth) {
    const auto names = host_.List(folder);
    if (!names.ok()) {
      if (!absl::IsNotFound(names.status()))
        gaps_.Add(folder, Message(names.status()));
      return;
    }
    for (const std::string& name : *names) {
      const std::string path = fmt::format("{}/{}", folder, name);
      if (path == "/var/log/journal") continue;
      // A link leads to what stands elsewhere, or to a file that is found.
      if (host_.ReadLink(path).ok()) continue;
      const auto info = host_.Stat(path);
      if (absl::IsNotFound(info.status())) {
        // Rotated meanwhile, or of a name that is not UTF-8.
        if (name.find("\xef\xbf\xbd") != std::string::npos)
          gaps_.Add(path, "its name is not UTF-8");
        continue;
      }
      if (!info.ok())
        gaps_.Add(path, Message(info.status()));
      else if (info->kind == FileInfo::Kind::kDirectory)
        LookBelow(path, depth);
      else if (info->kind == FileInfo::Kind::kRegular)
        Add(folder, name, {path, *info});
      else if (IsRoom())
        gaps_.Add(path, "is no regular file");
    }
  }

  std::vector<LogStream> Take() {
    std::vector<LogStream> streams;
    for (auto& [path, pieces] : found_)
      streams.push_back({path, std::move(pieces)});
    return streams;
  }

 private:
  void LookBelow(const std::string& folder, int depth) {
    if (depth < kDeepest)
      Look(folder, depth + 1);
    else
      gaps_.Add(folder, "folders are looked at four deep");
  }

  bool IsRoom() {
    if (++files_ <= kMostFiles) return true;
    gaps_.Add("/var/log", fmt::format("{} files are looked at, and there are "
                                      "more", kMostFiles));
    return false;
  }

  void Add(const std::string& folder, const std::string& name,
           LogPiece piece) {
    if (!IsRoom()) return;
    const std::string base = whole_.contains(piece.path) ? name : LogBase(name);
    found_[fmt::format("{}/{}", folder, base)].push_back(std::move(piece));
  }

  const Host& host_;
  const std::set<std::string>& whole_;
  Gaps& gaps_;
  size_t files_ = 0;
  std::map<std::string, std::vector<LogPiece>> found_;
};

}  // namespace

std::vector<LogStream> FindLogs(const Host& host, const std::string& folder,
                                const std::set<std::string>& whole,
                                Gaps& gaps) {
  Finder finder(host, whole, gaps);
  finder.Look(folder, 1);
  return finder.Take();
}

void JoinOldFolders(const Host& host,
                    const std::vector<v1::LogrotateRule>& rules,
                    std::vector<LogStream>& streams, Gaps& gaps) {
  std::set<std::string> moved;
  for (LogStream& stream : streams) {
    const std::string folder = OldFolderOf(rules, stream.path);
    const std::string base = stream.path.substr(stream.path.rfind('/') + 1);
    const std::string old = fmt::format("{}/{}", folder, base);
    if (folder.empty() || old == stream.path) continue;
    const auto names = host.List(folder);
    if (!names.ok()) {
      // logrotate may not have made it yet.
      if (!absl::IsNotFound(names.status()))
        gaps.Add(folder, Message(names.status()));
      continue;
    }
    for (const std::string& name : *names) {
      const std::string path = fmt::format("{}/{}", folder, name);
      if (LogBase(name) != base) continue;
      const auto info = host.Stat(path);
      if (info.ok() && info->kind == FileInfo::Kind::kRegular)
        stream.pieces.push_back({path, *info});
      else if (!info.ok() && !absl::IsNotFound(info.status()))
        gaps.Add(path, Message(info.status()));
    }
    moved.insert(old);
  }
  std::erase_if(streams, [&](const LogStream& stream) {
    return moved.contains(stream.path);
  });
}

}  // namespace metsuke
