#include <fmt/format.h>

#include <map>

#include "collectors/collector.h"
#include "collectors/package_lists.h"
#include "collectors/package_updates.h"
#include "collectors/packages.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kDnf[] = "/usr/bin/dnf";
constexpr char kCache[] = "/var/cache/dnf";
// Where repositories are configured (reposdir of dnf.conf(5)).
constexpr const char* kRepositories[] = {
    "/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d"};

// "NAME.ARCHITECTURE" cut at the last dot; a name may have dots, an
// architecture has none.
std::pair<std::string, std::string> NameAndArchitecture(std::string_view text) {
  const size_t dot = text.rfind('.');
  if (dot == text.npos) return {};
  return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}

// Of "NAME-[EPOCH:]VERSION-RELEASE.ARCHITECTURE", name and architecture.
std::pair<std::string, std::string> NameAndArchitectureOfNevra(
    std::string_view nevra) {
  auto [rest, architecture] = NameAndArchitecture(nevra);
  for (int part = 0; part < 2; ++part) {
    const size_t hyphen = rest.rfind('-');
    if (hyphen == rest.npos) return {};
    rest.resize(hyphen);
  }
  return {rest, architecture};
}

using Names = std::map<std::pair<std::string, std::string>, v1::Package>;

// Of several installed versions, as of a kernel, the last listed stands.
Names ByName(const std::vector<v1::Package>& installed) {
  Names names;
  for (const v1::Package& package : installed) {
    names[{package.name(), package.architecture()}] = package;
  }
  return names;
}

bool IsHash(std::string_view text) {
  return text.size() == 16 &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

// Whether dnf has the index of the repository `id`; it keeps it in a folder
// called ID-HASH.
bool IsFetched(const Host& host, const std::vector<std::string>& cached,
               const std::string& id) {
  for (const std::string& name : cached) {
    if (name.starts_with(id + "-") && IsHash(name.substr(id.size() + 1)) &&
        host.Stat(fmt::format("{}/{}/repodata/repomd.xml", kCache, name))
            .ok()) {
      return true;
    }
  }
  return false;
}

// dnf leaves out a repository that it has nothing of and may skip, says so on
// standard error alone, and exits as if there were no updates.
void AddUnfetched(const Host& host, v1::Snapshot& snapshot) {
  const std::vector<std::string> none;
  const std::vector<std::string> cached = host.List(kCache).value_or(none);
  for (const char* folder : kRepositories) {
    const auto names = host.List(folder);
    if (!names.ok() && !absl::IsNotFound(names.status()))
      AddGap(snapshot, "package_updates", folder, Message(names.status()));
    for (const std::string& name : names.ok() ? *names : none) {
      if (!name.ends_with(".repo")) continue;
      const auto text = host.Read(fmt::format("{}/{}", folder, name));
      if (!text.ok()) {
        AddGap(snapshot, "package_updates", name, Message(text.status()));
        continue;
      }
      for (const std::string& id : EnabledRepositories(*text)) {
        if (IsFetched(host, cached, id)) continue;
        AddGap(snapshot, "package_updates", id,
               "not fetched: run dnf makecache");
      }
    }
  }
}

RunOptions Options(const Host& host) {
  RunOptions options;
  options.deadline = kLongestRun;
  options.cap = 16 << 20;
  options.inputs = RpmDatabase(host);
  for (const char* path : {kCache, "/etc/dnf/dnf.conf", "/etc/dnf/modules.d"}) {
    options.inputs.push_back(path);
  }
  return options;
}

}  // namespace

void AddDnfUpdates(std::string_view updates, std::string_view advisories,
                   const std::vector<v1::Package>& installed,
                   v1::Snapshot& snapshot) {
  std::map<std::pair<std::string, std::string>, bool> security;
  // "ADVISORY SEVERITY/Sec. NEVRA".
  for (const std::string_view line : Lines(advisories)) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() == 3) security[NameAndArchitectureOfNevra(words[2])] = true;
  }
  const Names names = ByName(installed);
  for (const std::string_view line : Lines(updates)) {
    // What stands below replaces packages of other names.
    if (line.starts_with("Obsoleting Packages")) break;
    const std::vector<std::string_view> words = Words(line);
    if (words.size() != 3) continue;
    const auto key = NameAndArchitecture(words[0]);
    const auto package = names.find(key);
    if (package == names.end()) continue;
    v1::PackageUpdate& update = *snapshot.add_package_updates();
    update.set_name(key.first);
    update.set_architecture(key.second);
    update.set_installed(package->second.version());
    update.set_candidate(std::string(words[1]));
    update.set_security(security.contains(key));
    update.set_origin(std::string(words[2]));
    update.set_source(package->second.source());
  }
}

std::vector<std::string> EnabledRepositories(std::string_view text) {
  std::vector<std::string> ids;
  bool enabled = true;
  std::string id;
  const auto take = [&] {
    if (!id.empty() && enabled) ids.push_back(id);
    enabled = true;
  };
  for (std::string_view line : Lines(text)) {
    line = Strip(line);
    if (line.starts_with('[') && line.ends_with(']')) {
      take();
      id = line.substr(1, line.size() - 2);
    }
    const size_t equals = line.find('=');
    if (equals == line.npos || Strip(line.substr(0, equals)) != "enabled") {
      continue;
    }
    const std::string value = Lower(Strip(line.substr(equals + 1)));
    enabled = value == "1" || value == "true" || value == "yes";
  }
  take();
  return ids;
}

absl::Status CollectDnfUpdates(const Host& host, v1::Snapshot& snapshot) {
  if (PackageListsFetched(host) == 0) {
    return absl::FailedPreconditionError("no package lists: run dnf makecache");
  }
  ASSIGN_OR_RETURN(const std::vector<v1::Package> installed, ListRpms(host));
  // -C: from what was fetched, without the network. 100 says that there are
  // updates (dnf(8)).
  RunOptions options = Options(host);
  options.accepted_codes = {100};
  ASSIGN_OR_RETURN(const std::string updates,
                   host.Run({kDnf, "-q", "-C", "check-update"}, options));
  options.accepted_codes = {};
  ASSIGN_OR_RETURN(
      const std::string advisories,
      host.Run({kDnf, "-q", "-C", "updateinfo", "list", "--security"},
               options));
  AddDnfUpdates(updates, advisories, installed, snapshot);
  AddUnfetched(host, snapshot);
  return absl::OkStatus();
}

}  // namespace metsuke
