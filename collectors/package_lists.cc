#include "collectors/package_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace metsuke {
namespace {

// When each source was last reached, by a name for the source.
using Times = std::map<std::string, int64_t>;

// The last status change of a file: its time of modification is the server's.
int64_t Changed(const Host& host, const std::string& path) {
  const absl::StatusOr<FileInfo> info = host.Stat(path);
  return info.ok() ? info->changed : 0;
}

// apt sets the times of a source's Release file anew when a fetch brings it
// and when a fetch learns that it is still the same, and leaves them when a
// fetch fails. A source has an InRelease file, or a Release file with a
// signature; where both lie, the older one is a leftover.
Times AptTimes(const Host& host) {
  constexpr char kLists[] = "/var/lib/apt/lists";
  Times times;
  for (const std::string& name :
       host.List(kLists).value_or(std::vector<std::string>())) {
    for (const char* suffix : {"_InRelease", "_Release"}) {
      if (!name.ends_with(suffix)) continue;
      int64_t& time = times[name.substr(0, name.rfind('_'))];
      time = std::max(time, Changed(host, fmt::format("{}/{}", kLists, name)));
    }
  }
  return times;
}

// dnf writes the index of each repository anew when it fetches it.
Times DnfTimes(const Host& host) {
  constexpr char kCache[] = "/var/cache/dnf";
  Times times;
  for (const std::string& name :
       host.List(kCache).value_or(std::vector<std::string>())) {
    const int64_t time = Changed(
        host, fmt::format("{}/{}/repodata/repomd.xml", kCache, name));
    if (time != 0) times[name] = time;
  }
  return times;
}

}  // namespace

int64_t PackageListsFetched(const Host& host) {
  Times times = AptTimes(host);
  times.merge(DnfTimes(host));
  int64_t oldest = 0;
  for (const auto& [source, time] : times) {
    if (oldest == 0 || time < oldest) oldest = time;
  }
  return oldest - oldest % 3600;
}

}  // namespace metsuke
