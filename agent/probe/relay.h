// The bytes between an SSH server and the library that speaks to it. The
// library knows neither a clock for all of a conversation nor a bound for what
// it is told, so it gets one end of a pair of sockets, and what passes through
// to the real one is timed, counted and, at its beginning, kept.

#ifndef METSUKE_AGENT_PROBE_RELAY_H_
#define METSUKE_AGENT_PROBE_RELAY_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "collectors/descriptor.h"

namespace metsuke {

using ProbeClock = std::chrono::steady_clock;

// How something ended: one of the values of SshEndpoint.outcome, and for a
// person what happened. The outcome is empty while nothing has.
struct Ending {
  std::string outcome;
  std::string message;
};

struct RelayLimits {
  std::chrono::milliseconds time{6000};  // from connecting to the end
  size_t bytes = 256 << 10;              // from the server
};

class Relay {
 public:
  explicit Relay(RelayLimits limits = {}) : limits_(limits) {}
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Connects to an IP address and begins to pass bytes on. How it failed, or an
  // ending without an outcome.
  Ending Connect(const std::string& address, uint16_t port);

  // The library's end, which is the library's to close; once, after Connect.
  int ReleaseEnd() { return library_.Release(); }

  // This end's address; empty before Connect.
  const std::string& source() const { return source_; }

  // When the time is over, for both ends; after Connect. Whoever stops at this
  // instant or later finds "timeout" as the ending, unless it had ended before.
  ProbeClock::time_point until() const { return until_; }

  // Ends the passing on. What the server sent, at most the first 64 KiB.
  std::string Stop();

  // How it ended when it was not the library that went; after Stop.
  const Ending& ending() const { return ending_; }

 private:
  void Pass();
  bool FromServer();
  bool FromLibrary();
  Ending Reach(const std::string& address, uint16_t port);

  const RelayLimits limits_;
  ProbeClock::time_point until_;
  Descriptor server_, library_, own_, stop_;
  std::string source_;
  std::string heard_;
  size_t count_ = 0;
  Ending ending_;
  std::thread thread_;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_RELAY_H_
