// Asking systemd over the system bus (org.freedesktop.systemd1(5)). All of it
// may be asked without privilege.

#ifndef METSUKE_COLLECTORS_SYSTEMD_H_
#define METSUKE_COLLECTORS_SYSTEMD_H_

#include <systemd/sd-bus.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// A unit: one that systemd holds in memory, or a unit file that it does not.
struct Unit {
  std::string name;
  std::string description;  // empty for a file alone
  std::string load;         // empty for a file alone, "masked" for a masked one
  std::string active;       // "inactive" for a file alone
  std::string sub;          // "dead" for a file alone
  std::string enabled;      // empty for a unit without a file
};

// The properties of a timer.
struct TimerFacts {
  std::string unit;
  std::string schedule;  // "OnCalendar=daily; OnBootSec=15min"
  bool persistent = false;
  uint64_t last_trigger = 0;  // microseconds since 1970-01-01 UTC; 0 is never
};

// The properties of a socket.
struct SocketFacts {
  std::string active;                // "active", "inactive", …
  std::vector<std::string> streams;  // ListenStream=, such as "[::]:22"
  std::string bind_ipv6_only;        // "default", "both" or "ipv6-only"
  bool accept = false;               // a service for each connection
  std::vector<std::string> starts;   // the units it triggers
};

// The properties of a service that say what it runs.
struct ServiceFacts {
  // The command lines of ExecStart=, variables in them as written.
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> environment;        // Environment=, "NAME=value"
  std::vector<std::string> environment_files;  // EnvironmentFile=, paths
};

class Systemd {
 public:
  // Connects to the bus of `host`. Absent when systemd does not run there.
  static absl::StatusOr<Systemd> Connect(const Host& host);

  // All units whose names end in `suffix`, such as ".service", sorted by name.
  // Aliases are left out: they are second names of units that are there.
  absl::StatusOr<std::vector<Unit>> Units(std::string_view suffix);

  // The names of the active units that end in `suffix`, sorted.
  absl::StatusOr<std::vector<std::string>> ActiveUnits(std::string_view suffix);

  // What `timer`, a unit's name, says of itself; systemd loads it for that.
  absl::StatusOr<TimerFacts> Timer(const std::string& timer);

  // What `socket`, a unit's name, says of itself; "inactive" when there is no
  // such unit.
  absl::StatusOr<SocketFacts> Socket(const std::string& socket);

  // The same of a service, which may be an instance that does not run.
  absl::StatusOr<ServiceFacts> Service(const std::string& service);

 private:
  struct Close {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
  };
  struct Unref {
    void operator()(sd_bus_message* message) const {
      sd_bus_message_unref(message);
    }
  };
  using Bus = std::unique_ptr<sd_bus, Close>;
  using Reply = std::unique_ptr<sd_bus_message, Unref>;

  explicit Systemd(Bus bus) : bus_(std::move(bus)) {}

  // Calls a method whose arguments are a list of states, here at most one, and
  // a list of patterns; or one that takes a string.
  absl::StatusOr<Reply> CallForPattern(const char* method,
                                       const std::string& pattern,
                                       const char* state = nullptr);
  absl::StatusOr<Reply> Call(const char* path, const char* interface,
                             const char* method, const std::string& argument);

  // Calls `read` for each property of `unit`, by its name, where the message
  // stands at the value. An empty interface means those of all.
  template <typename Read>
  absl::Status ForEachProperty(const std::string& unit, const char* interface,
                               Read read);

  absl::StatusOr<std::map<std::string, std::string>> UnitFiles(
      const std::string& pattern);
  // The state of an instance of a template, which no list has; empty without.
  absl::StatusOr<std::string> FileState(const std::string& unit);

  Bus bus_;
};

// `microseconds` as systemd.time(7) writes a time span, such as "1h 30min".
std::string TimeSpan(uint64_t microseconds);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSTEMD_H_
