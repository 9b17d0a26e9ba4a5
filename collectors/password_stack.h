// Whether a module that judges new passwords has the last word.
//
// It may not have it although its control is "required": libpam goes on after
// its refusal, and pam_unix, finding no password that was handed on, asks for
// one of its own and sets that; passwd(1) then reports a failure, but the
// password is changed. use_authtok keeps it from asking.

#ifndef METSUKE_COLLECTORS_PASSWORD_STACK_H_
#define METSUKE_COLLECTORS_PASSWORD_STACK_H_

#include <vector>

#include "collectors/pam_stack.h"

namespace metsuke {

// Whether a password that the module of `stack[at]`, a stack of type
// "password", would refuse is never set by pam_unix or its like, whatever the
// other modules answer and whoever changes the password does.
bool PasswordRefusalHolds(const std::vector<PamLine>& stack, size_t at);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PASSWORD_STACK_H_
