// The protocols of sd_notify(3) and sd_listen_fds(3) in a few lines, which
// these pages promise to keep: the agent speaks to the network and links no more
// than it must, and the collector answers where there is no libsystemd, too.

#ifndef METSUKE_COLLECTORS_NOTIFY_H_
#define METSUKE_COLLECTORS_NOTIFY_H_

#include <chrono>
#include <string>

namespace metsuke {

// Tells the service manager, such as "READY=1" or "STATUS=…". Nothing happens
// when there is none. `text` must have no newline of somebody else's.
void Notify(const std::string& text);

// How often the service manager wants "WATCHDOG=1": half of WATCHDOG_USEC of
// sd_watchdog_enabled(3); zero when it does not ask.
std::chrono::microseconds WatchdogInterval();

// How many sockets the service manager has handed over, from kFirstGiven on;
// children get none of them. It is forgotten when it was asked for once.
inline constexpr int kFirstGiven = 3;
int TakeGivenSockets();

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_NOTIFY_H_
