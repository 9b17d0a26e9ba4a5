// The protocol of sd_notify(3) in a few lines: the agent speaks to the network
// and links no more than it must.

#ifndef METSUKE_AGENT_NOTIFY_H_
#define METSUKE_AGENT_NOTIFY_H_

#include <chrono>
#include <string>

namespace metsuke {

// Tells the service manager, such as "READY=1" or "STATUS=…". Nothing happens
// when there is none. `text` must have no newline of somebody else's.
void Notify(const std::string& text);

// How often the service manager wants "WATCHDOG=1": half of WATCHDOG_USEC of
// sd_watchdog_enabled(3); zero when it does not ask.
std::chrono::microseconds WatchdogInterval();

}  // namespace metsuke

#endif  // METSUKE_AGENT_NOTIFY_H_
