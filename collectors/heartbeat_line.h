// The line that the agent gives to syslog(3) once an hour, and by which it is
// found in the logs.

#ifndef METSUKE_COLLECTORS_HEARTBEAT_LINE_H_
#define METSUKE_COLLECTORS_HEARTBEAT_LINE_H_

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace metsuke {

// With which it is given: what most of the system's messages have, and what logins
// have, which are kept in a file of their own.
inline constexpr const char* kHeartbeatFacilities[] = {"daemon", "authpriv"};

inline std::string HeartbeatLine(std::string_view facility, uint64_t number) {
  return fmt::format("heartbeat {} {:016x}", facility, number);
}

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_HEARTBEAT_LINE_H_
