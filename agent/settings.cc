#include "agent/settings.h"

#include <fmt/format.h>

#include "agent/spool.h"
#include "agent/sync.h"
#include "proto/file.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

constexpr uint64_t kLeastSpool = 1 << 20;

// The file with its defaults; it need not name a controller.
absl::StatusOr<v1::AgentConfig> ReadSettings(const std::string& path) {
  v1::AgentConfig config;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  RETURN_IF_ERROR(ReadYaml(path, text, config));
  const auto invalid = [&](const std::string& what) {
    return absl::InvalidArgumentError(path + ": " + what);
  };
  if (config.state().empty()) config.set_state("/var/lib/metsuke-agent");
  if (config.collect().empty())
    config.set_collect("/run/metsuke-collect/socket");
  if (config.spool_bytes() == 0) config.set_spool_bytes(kDefaultSpoolBytes);
  if (config.interval_seconds() > kMaxInterval)
    return invalid(fmt::format("interval_seconds: {} is more than a day ({})",
                               config.interval_seconds(), kMaxInterval));
  if (config.spool_bytes() < kLeastSpool)
    return invalid(fmt::format("spool_bytes: {} is less than a mebibyte ({})",
                               config.spool_bytes(), kLeastSpool));
  return config;
}

std::string JoinedPath(const v1::AgentConfig& config) {
  return config.state() + '/' + kJoinedFile;
}

// Fills in what joining wrote down, if it did.
absl::Status AddJoined(v1::AgentConfig& config) {
  const std::string path = JoinedPath(config);
  const auto text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  if (!text.ok()) return text.status();
  v1::AgentConfig joined;
  RETURN_IF_ERROR(ReadYaml(path, *text, joined));
  config.set_controller(joined.controller());
  if (config.enrol().empty()) config.set_enrol(joined.enrol());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::AgentConfig> LoadSettings(const std::string& path) {
  ASSIGN_OR_RETURN(v1::AgentConfig config, ReadSettings(path));
  if (config.controller().empty()) RETURN_IF_ERROR(AddJoined(config));
  if (config.controller().find(':') == std::string::npos)
    return absl::InvalidArgumentError(
        path +
        ": controller: say where the controller listens, such as "
        "controller.example:7443, or have this host join a fleet with "
        "\"metsuke-agent join\"");
  return config;
}

absl::StatusOr<v1::AgentConfig> SettingsToJoin(const std::string& path,
                                               const std::string& controller,
                                               const std::string& enrol) {
  ASSIGN_OR_RETURN(v1::AgentConfig config, ReadSettings(path));
  if (!config.controller().empty() && config.controller() != controller)
    return absl::InvalidArgumentError(fmt::format(
        "{}: controller: it says {}, and the line to join with {}; take it out "
        "of the file, or make the token at that controller",
        path, config.controller(), controller));
  config.set_controller(controller);
  config.set_enrol(enrol);
  return config;
}

absl::Status StoreJoined(const v1::AgentConfig& config) {
  return WriteFile(JoinedPath(config),
                   fmt::format("controller: \"{}\"\nenrol: \"{}\"\n",
                               config.controller(), config.enrol()),
                   0600);
}

}  // namespace metsuke
