// Whose a uid is.

#ifndef METSUKE_COLLECTORS_UID_NAMES_H_
#define METSUKE_COLLECTORS_UID_NAMES_H_

#include <cstdint>
#include <functional>
#include <string>

#include "collectors/host.h"

namespace metsuke {

// The name of the account with a uid, or the number where there is none.
using NameOfUid = std::function<std::string(uint32_t)>;

// The names of the host's own accounts. A uid that subuid(5) lends to an account
// for its processes goes by that account's name.
NameOfUid ReadUidNames(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_UID_NAMES_H_
