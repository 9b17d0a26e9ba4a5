// The SQLite databases of wtmpdb(8) and lastlog2(8).

#ifndef METSUKE_COLLECTORS_LOGIN_DATABASE_H_
#define METSUKE_COLLECTORS_LOGIN_DATABASE_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collectors/host.h"

struct sqlite3_stmt;

namespace metsuke {

// Where wtmpdb keeps its database; Debian 13 has it under both names.
inline constexpr const char* kWtmpdb[] = {"/var/log/wtmp.db",
                                          "/var/lib/wtmpdb/wtmp.db"};

// The bytes of such a file. ResourceExhausted when it is larger than 64 MiB.
absl::StatusOr<std::string> ReadLoginDatabase(const Host& host,
                                              const std::string& path);

// Calls `row` at each row that `query` returns. The bytes are read as a
// database in memory, so that no lock is taken; the host wrote them, so that
// they can call nothing and cannot take long. InvalidArgument when they are no
// such database.
absl::Status QueryLoginDatabase(std::string bytes, const char* query,
                                const std::function<void(sqlite3_stmt*)>& row);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOGIN_DATABASE_H_
