// How one record of an agent changes the tables of the store.

#ifndef METSUKE_CONTROLLER_STORE_RECORD_H_
#define METSUKE_CONTROLLER_STORE_RECORD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/drift_memo.h"
#include "controller/store/heard.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// Store::Connect in an open transaction.
absl::StatusOr<Standing> StoreContact(Database& database,
                                      const Contact& contact);

// Store::Commit in an open transaction; `silence` as in StoreHeard.
absl::Status StoreRecord(Database& database, const HostUpdate& update,
                         const SilenceRule& silence, DriftMemo& memo);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_RECORD_H_
