// The tables of the store in SQLite.

#ifndef METSUKE_CONTROLLER_STORE_SCHEMA_H_
#define METSUKE_CONTROLLER_STORE_SCHEMA_H_

#include <string>

#include "absl/status/statusor.h"
#include "controller/store/sql.h"

namespace metsuke {

// The version of the schema this program reads and writes.
inline constexpr int64_t kSchemaVersion = 8;

// The writing connection to the database at `path`, made if it is not there.
// FailedPrecondition when a newer program made it; DataLoss when it is damaged
// where that shows at once.
absl::StatusOr<Database> OpenForWriting(const std::string& path);

// A connection that cannot write, not even by a checkpoint.
absl::StatusOr<Database> OpenForReading(const std::string& path);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_SCHEMA_H_
