// The machine itself: pure functions behind the table `host`.

#ifndef METSUKE_COLLECTORS_HOST_FACTS_H_
#define METSUKE_COLLECTORS_HOST_FACTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace metsuke {

// The assignments of an os-release(5) file, quotes and escapes taken off.
std::map<std::string, std::string> ParseOsRelease(std::string_view text);

// A 128-bit id in hexadecimal that is made of `machine_id` (the content of
// /etc/machine-id) for this product alone, as
// sd_id128_get_machine_app_specific(3) makes it; empty when `machine_id` is
// none, as "uninitialized" on a first boot.
std::string ProductMachineId(std::string_view machine_id);

// The 16 bytes that stand for this product in ProductMachineId.
extern const unsigned char kProductId[16];

// Seconds of the line "btime" of /proc/stat, rounded down to the minute; 0
// when there is none.
int64_t BootedMinute(std::string_view stat);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_HOST_FACTS_H_
