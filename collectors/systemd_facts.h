// The properties of units as they come over the bus.

#ifndef METSUKE_COLLECTORS_SYSTEMD_FACTS_H_
#define METSUKE_COLLECTORS_SYSTEMD_FACTS_H_

#include <systemd/sd-bus.h>

#include <string_view>

#include "absl/status/status.h"
#include "collectors/systemd.h"

namespace metsuke {

// Reads the value at which the message stands, that of the property `name`,
// into `facts` if it is one of them.
absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          TimerFacts& facts);
absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          SocketFacts& facts);
absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          ServiceFacts& facts);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSTEMD_FACTS_H_
