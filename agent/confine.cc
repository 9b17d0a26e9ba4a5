#include "agent/confine.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace metsuke {

absl::Status Confine() {
  if (getuid() == 0 || geteuid() == 0) {
    return absl::PermissionDeniedError(
        "metsuke-agent does not run as root: it speaks to the network. Start "
        "it as its own user, such as with runuser -u metsuke-agent");
  }
  // No exec gives anything back, and then no new set needs to be bounded.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return absl::ErrnoToStatus(errno, "no new privileges");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return absl::ErrnoToStatus(errno, "not dumpable");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  // Emptying the permitted set empties the ambient one (capabilities(7)).
  if (syscall(SYS_capset, &header, sets) != 0 ||
      syscall(SYS_capget, &header, sets) != 0)
    return absl::ErrnoToStatus(errno, "give up capabilities");
  for (const auto& set : sets) {
    if ((set.effective | set.permitted | set.inheritable) != 0)
      return absl::InternalError("capabilities could not be given up");
  }
  return absl::OkStatus();
}

}  // namespace metsuke
