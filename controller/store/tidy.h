// What the store forgets, so that it does not grow for ever.

#ifndef METSUKE_CONTROLLER_STORE_TIDY_H_
#define METSUKE_CONTROLLER_STORE_TIDY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "controller/store/sql.h"

namespace metsuke {

// Store::Forget in an open transaction.
absl::Status ForgetBefore(Database& database, int64_t before);

// Forgets all but the fifteen of the host's streams that were used last: an
// agent has one, and begins another when its spool is lost. Whoever owns a
// host's key could otherwise name as many as the disk takes.
absl::Status ForgetStreams(Database& database, const std::string& host);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_TIDY_H_
