// What asks for secrets behind a service of PAM, pam.d(5).

#ifndef METSUKE_COLLECTORS_PAM_STACK_H_
#define METSUKE_COLLECTORS_PAM_STACK_H_

#include <string>

#include "collectors/host.h"

namespace metsuke {

// Whether the service may let in somebody without a password in the host's own
// files: a module asks something else, such as a directory, or nothing at all.
// Taken to be so when the configuration cannot be read or is not understood.
bool PamAsksElsewhere(const Host& host, const std::string& service);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PAM_STACK_H_
