// The agent's configuration with its defaults.

#ifndef METSUKE_AGENT_SETTINGS_H_
#define METSUKE_AGENT_SETTINGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/config.pb.h"

namespace metsuke {

inline constexpr char kDefaultConfig[] = "/etc/metsuke/agent.yaml";

// The configuration in `path` with every default filled in. InvalidArgument
// with file, line and what to do; else errors as of ReadFile.
absl::StatusOr<v1::AgentConfig> LoadSettings(const std::string& path);

}  // namespace metsuke

#endif  // METSUKE_AGENT_SETTINGS_H_
