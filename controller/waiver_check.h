// What makes a waiver fit to be given. One that was given is never changed but
// ended, and never goes away.

#ifndef METSUKE_CONTROLLER_WAIVER_CHECK_H_
#define METSUKE_CONTROLLER_WAIVER_CHECK_H_

#include "controller/register_check.h"
#include "proto/register.pb.h"

namespace metsuke {

// As CheckRegister has it, for `waivers`. Those in `context.before` that have
// ended and are not given any more are added.
void CheckWaivers(const RegisterContext& context, const RefuseRow& refuse,
                  v1::Registers& rows);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_WAIVER_CHECK_H_
