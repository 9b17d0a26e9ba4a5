// The agent's configuration with its defaults.

#ifndef METSUKE_AGENT_SETTINGS_H_
#define METSUKE_AGENT_SETTINGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/config.pb.h"

namespace metsuke {

inline constexpr char kDefaultConfig[] = "/etc/metsuke/agent.yaml";
// In the state folder: where the fleet is that the host has joined, in the
// words of agent.yaml. The agent's own file, so that joining changes none of an
// administrator's.
inline constexpr char kJoinedFile[] = "joined.yaml";

// The configuration in `path` with every default filled in. InvalidArgument
// with file, line and what to do; else errors as of ReadFile. Where it names no
// controller, that of kJoinedFile.
absl::StatusOr<v1::AgentConfig> LoadSettings(const std::string& path);

// The same for a host that is to join the fleet at `controller` and `enrol`.
// InvalidArgument when the file names another.
absl::StatusOr<v1::AgentConfig> SettingsToJoin(const std::string& path,
                                               const std::string& controller,
                                               const std::string& enrol);

// Writes kJoinedFile.
absl::Status StoreJoined(const v1::AgentConfig& config);

}  // namespace metsuke

#endif  // METSUKE_AGENT_SETTINGS_H_
