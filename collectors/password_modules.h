// The options of the modules of PAM that a new password has to satisfy.

#ifndef METSUKE_COLLECTORS_PASSWORD_MODULES_H_
#define METSUKE_COLLECTORS_PASSWORD_MODULES_H_

#include <optional>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/pam_stack.h"
#include "collectors/pwquality_conf.h"

namespace metsuke {

// What the module of `line` has, defaults included; nothing when it is none
// that judges new passwords. What could not be read is a gap.
std::optional<PasswordOptions> PasswordOptionsOf(const Host& host,
                                                 const PamLine& line,
                                                 Gaps& gaps);

// Whether the options say that the module refuses anything to a user.
bool PasswordModuleRefuses(const PamLine& line, const PasswordOptions& options);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PASSWORD_MODULES_H_
