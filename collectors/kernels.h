// Kernels: which are installed and which is newer.

#ifndef METSUKE_COLLECTORS_KERNELS_H_
#define METSUKE_COLLECTORS_KERNELS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// The version in a kernel release, without the flavour after it: "6.1.0-26" of
// "6.1.0-26-cloud-amd64", all of "5.14.0-427.13.1.el9_4.x86_64".
std::string_view KernelVersion(std::string_view release);

// Whether version `a` is older than `b`: numbers count as numbers, and a
// release candidate ("-rc3") comes before its release.
bool KernelIsOlder(std::string_view a, std::string_view b);

// The newest release with an image in /boot or modules in /lib/modules; empty
// when there is none. An error when either folder is there and closed.
absl::StatusOr<std::string> NewestKernel(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_KERNELS_H_
