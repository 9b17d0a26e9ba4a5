// Whether a host is a machine, a virtual machine or a container.

#ifndef METSUKE_COLLECTORS_PLATFORM_H_
#define METSUKE_COLLECTORS_PLATFORM_H_

#include <string>
#include <string_view>

#include "collectors/host.h"

namespace metsuke {

// The columns of the same names in table `host`.
struct Platform {
  std::string platform, virtualization;
};

// A container in a virtual machine is a container. Reads files only: a
// hypervisor that hides from them is a machine here.
Platform ReadPlatform(const Host& host);

// The name systemd-detect-virt(1) has for the hypervisor with these strings in
// its DMI tables; empty when they name none.
std::string_view HypervisorOfDmi(std::string_view vendor,
                                 std::string_view product);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PLATFORM_H_
