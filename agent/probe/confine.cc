#include "agent/probe/confine.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "collectors/descriptor.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// A rule set that handles every right the first version of Landlock knows and
// grants none (kernel: Documentation/userspace-api/landlock.rst).
absl::Status CloseFiles() {
  const landlock_ruleset_attr all{.handled_access_fs =
                                      (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
  const Descriptor rules(static_cast<int>(
      syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0)));
  if (!rules) {
    if (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM)
      return absl::OkStatus();  // an old kernel, or a container's filter
    return absl::ErrnoToStatus(errno, "landlock");
  }
  if (syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
    return absl::ErrnoToStatus(errno, "landlock");
  return absl::OkStatus();
}

absl::Status GiveUpCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3]{};
  if (syscall(SYS_capget, &header, held) != 0)
    return absl::ErrnoToStatus(errno, "capabilities");
  // A unit whose processes have none need not let them call capset.
  if (std::ranges::none_of(held, [](const __user_cap_data_struct& part) {
        return part.effective | part.permitted | part.inheritable;
      }))
    return absl::OkStatus();
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  if (syscall(SYS_capset, &header, none) != 0)
    return absl::ErrnoToStatus(errno, "give up capabilities");
  return absl::OkStatus();
}

}  // namespace

absl::Status ConfineProbe() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return absl::ErrnoToStatus(errno, "prctl");
  RETURN_IF_ERROR(CloseFiles());
  return GiveUpCapabilities();
}

}  // namespace metsuke
