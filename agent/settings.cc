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

}  // namespace

absl::StatusOr<v1::AgentConfig> LoadSettings(const std::string& path) {
  v1::AgentConfig config;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  RETURN_IF_ERROR(ReadYaml(path, text, config));
  const auto invalid = [&](const std::string& what) {
    return absl::InvalidArgumentError(path + ": " + what);
  };
  if (config.controller().find(':') == std::string::npos)
    return invalid(
        "controller: say where the controller listens, such as "
        "controller.example:7443");
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

}  // namespace metsuke
