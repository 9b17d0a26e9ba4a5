// What the errors of system calls mean at the door; see collectors/host.h.

#ifndef METSUKE_COLLECTORS_ERRNO_STATUS_H_
#define METSUKE_COLLECTORS_ERRNO_STATUS_H_

#include <string_view>

#include "absl/status/status.h"

namespace metsuke {

// The status for `error`, an errno value: NotFound when the thing is not
// there, PermissionDenied when it is closed to us, FailedPrecondition when a
// link or another file system is in the way, otherwise Unavailable. The
// message is "WHERE: text of the error".
absl::Status ErrnoStatus(int error, std::string_view where);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_ERRNO_STATUS_H_
