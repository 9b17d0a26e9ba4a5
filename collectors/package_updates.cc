#include "collectors/package_updates.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "collectors/collector.h"
#include "collectors/packages.h"
#include "collectors/temporary_folder.h"
#include "proto/run.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using nlohmann::json;

// A program does not move while it runs, so this is decided once.
const std::string& Helper() {
  static const std::string helper = OwnProgram("metsuke-apt");
  return helper;
}

// What apt reads. A folder does not change when a file in it does, so its
// files are named too; where they cannot be, nothing is, and apt is asked anew
// each time.
std::vector<std::string> AptInputs(const Host& host) {
  std::vector<std::string> inputs = {
      "/var/lib/dpkg/status",  "/var/lib/apt/extended_states",
      "/etc/apt/sources.list", "/etc/apt/preferences",
      "/etc/apt/apt.conf"};
  for (const char* folder :
       {"/var/lib/apt/lists", "/etc/apt/sources.list.d",
        "/etc/apt/preferences.d", "/etc/apt/apt.conf.d"}) {
    inputs.push_back(folder);
    const auto names = host.List(folder);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) return {};
    for (const std::string& name : *names) {
      inputs.push_back(fmt::format("{}/{}", folder, name));
    }
  }
  return inputs;
}

// May throw json::exception.
v1::PackageUpdate UpdateOf(const json& entry) {
  v1::PackageUpdate update;
  update.set_name(entry.at("name").get<std::string>());
  update.set_architecture(entry.at("architecture").get<std::string>());
  update.set_installed(entry.at("installed").get<std::string>());
  update.set_candidate(entry.at("candidate").get<std::string>());
  update.set_security(entry.at("security").get<bool>());
  update.set_origin(entry.at("origin").get<std::string>());
  update.set_source(entry.at("source").get<std::string>());
  update.set_held(entry.at("held").get<bool>());
  return update;
}

absl::Status CollectAptUpdates(const Host& host, v1::Snapshot& snapshot) {
  RunOptions options;
  options.inputs = AptInputs(host);
  options.deadline = kLongestRun;
  options.cap = 16 << 20;
  options.temporary = TemporaryFolder(host);
  const absl::StatusOr<std::string> report = host.Run({Helper()}, options);
  if (absl::IsNotFound(report.status())) {
    return absl::UnavailableError(
        fmt::format("{} is not installed", Helper()));
  }
  RETURN_IF_ERROR(report.status());
  return AddAptReport(*report, snapshot);
}

}  // namespace

absl::Status AddAptReport(const std::string& text, v1::Snapshot& snapshot) {
  try {
    const json report = json::parse(text);
    if (report.at("lists").get<int>() == 0) {
      return absl::FailedPreconditionError(
          "no package lists: run apt-get update");
    }
    for (const json& index : report.at("missing")) {
      AddGap(snapshot, "package_updates", index.get<std::string>(),
             "not fetched: run apt-get update");
    }
    for (const json& entry : report.at("updates")) {
      *snapshot.add_package_updates() = UpdateOf(entry);
    }
  } catch (const json::exception& error) {
    return absl::UnavailableError(
        fmt::format("metsuke-apt printed something else: {}", error.what()));
  }
  return absl::OkStatus();
}

absl::Status CollectPackageUpdates(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const bool dpkg, host.Exists("/var/lib/dpkg/status"));
  if (dpkg) return CollectAptUpdates(host, snapshot);
  ASSIGN_OR_RETURN(const bool dnf, host.Exists("/usr/bin/dnf"));
  if (dnf) return CollectDnfUpdates(host, snapshot);
  return absl::UnavailableError(
      "updates are known of apt and of dnf, and neither is here");
}

}  // namespace metsuke
