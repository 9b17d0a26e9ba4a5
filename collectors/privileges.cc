#include "collectors/privileges.h"

#include <fmt/format.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "collectors/errno_status.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>,
                                     int (*)(void*)>;

constexpr std::array kKept = {CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE,
                              CAP_AUDIT_CONTROL};

bool Kept(cap_value_t capability) {
  return std::find(kKept.begin(), kKept.end(), capability) != kKept.end();
}

bool Has(const Capabilities& set, cap_value_t capability, cap_flag_t flag) {
  cap_flag_value_t value = CAP_CLEAR;
  cap_get_flag(set.get(), capability, flag, &value);
  return value == CAP_SET;
}

// What this process may have at most after any exec. It takes CAP_SETPCAP;
// without it, "no new privileges" does the same.
void DropBoundingSet() {
  for (cap_value_t c = 0; c < cap_max_bits(); ++c)
    if (!Kept(c) && cap_get_bound(c) == 1) cap_drop_bound(c);
}

absl::Status SetOwn() {
  const Capabilities have(cap_get_proc(), cap_free);
  const Capabilities want(cap_init(), cap_free);
  if (!have || !want) return ErrnoStatus(errno, "capabilities");
  for (const cap_value_t c : kKept) {
    if (!Has(have, c, CAP_PERMITTED)) continue;
    for (const cap_flag_t flag : {CAP_PERMITTED, CAP_EFFECTIVE})
      cap_set_flag(want.get(), flag, 1, &c, CAP_SET);
    if (c == CAP_DAC_READ_SEARCH)
      cap_set_flag(want.get(), CAP_INHERITABLE, 1, &c, CAP_SET);
  }
  cap_reset_ambient();
  if (cap_set_proc(want.get()) != 0)
    return ErrnoStatus(errno, "give up capabilities");
  return absl::OkStatus();
}

absl::Status CheckOwn() {
  const Capabilities have(cap_get_proc(), cap_free);
  if (!have) return ErrnoStatus(errno, "capabilities");
  for (cap_value_t c = 0; c < cap_max_bits(); ++c)
    for (const cap_flag_t flag : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE})
      if (!Kept(c) && Has(have, c, flag))
        return absl::InternalError(
            fmt::format("capability {} could not be given up", c));
  return absl::OkStatus();
}

}  // namespace

absl::Status DropPrivileges() {
  DropBoundingSet();
  RETURN_IF_ERROR(SetOwn());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return ErrnoStatus(errno, "no new privileges");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return ErrnoStatus(errno, "not dumpable");
  return CheckOwn();
}

}  // namespace metsuke
