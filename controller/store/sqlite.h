// The store of one machine: SQLite.

#ifndef METSUKE_CONTROLLER_STORE_SQLITE_H_
#define METSUKE_CONTROLLER_STORE_SQLITE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/store/heard.h"
#include "controller/store/store.h"

namespace metsuke {

// Opens the store in `folder`, which must exist; makes it when there is none.
// When `silence.listening` is set, nobody listened since a host was last heard
// of.
// FailedPrecondition when another process has it open or a newer program made
// it.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(
    const std::string& folder, const SilenceRule& silence = {});

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_SQLITE_H_
