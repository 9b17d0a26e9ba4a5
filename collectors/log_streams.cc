#include "collectors/log_streams.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kDeepest = 4;
constexpr size_t kMostFiles = 4096;

constexpr std::string_view kDigits = "0123456789";

// Whether it begins with a day of this century, "20261121" or "2026-11-21", and
// goes on with digits alone.
bool IsDate(std::string_view text) {
  if (!text.starts_with("20")) return false;
  std::string digits;
  for (const char c : text) {
    if (c != '-' && c != '_' && kDigits.find(c) == std::string_view::npos)
      return false;
    if (c != '-' && c != '_') digits += c;
  }
  return digits.size() >= 8 && digits.substr(4, 2) <= "12" &&
         digits.substr(6, 2) <= "31";
}

// Where a suffix such as ".1" (unless only dates are wanted) or
// "-20261121_000000" begins; npos when the name has none. What is left must be
// a name: the address in "10.0.0.1" is one.
size_t SuffixAt(std::string_view name, bool only_dates) {
  for (size_t at = 1; at + 1 < name.size(); ++at) {
    if (name[at] != '.' && name[at] != '-' && name[at] != '_') continue;
    const std::string_view rest = name.substr(at + 1);
    const bool number =
        rest.find_first_not_of(kDigits) == std::string_view::npos;
    if (!IsDate(rest) && (only_dates || !number)) continue;
    if (name.substr(0, at).find_first_not_of("0123456789.-_") !=
        std::string_view::npos)
      return at;
  }
  return std::string_view::npos;
}

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

  void Add(const std::string& folder, const std::string& name,
           LogPiece piece) {
    if (++files_ > kMostFiles)
      return gaps_.Add("/var/log", fmt::format("{} files are looked at, and "
                                               "there are more", kMostFiles));
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

std::string LogBase(std::string_view name) {
  // What `wtmpdb rotate` leaves: wtmp_20261121_000000.db.
  if (name.starts_with("wtmp_") && name.ends_with(".db")) return "wtmp.db";
  const std::string_view whole = name;
  const bool packed = IsPacked(name);
  if (packed) name = name.substr(0, name.rfind('.'));
  if (const size_t at = SuffixAt(name, false); at != std::string_view::npos)
    return std::string(name.substr(0, at));
  // A date before the extension, as with logrotate's `extension` and in
  // PostgreSQL's names; a single number there may be a part of the name.
  constexpr std::string_view kExtension = ".log";
  if (name.ends_with(kExtension)) {
    const std::string_view stem =
        name.substr(0, name.size() - kExtension.size());
    if (const size_t at = SuffixAt(stem, true); at != std::string_view::npos)
      return std::string(stem.substr(0, at)) + std::string(kExtension);
  }
  return std::string(packed ? name : whole);
}

std::vector<LogStream> FindLogs(const Host& host, const std::string& folder,
                                const std::set<std::string>& whole,
                                Gaps& gaps) {
  Finder finder(host, whole, gaps);
  finder.Look(folder, 1);
  return finder.Take();
}

}  // namespace metsuke
