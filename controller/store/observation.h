// What the controller itself knows of a host: what it saw when it knocked, and
// what it makes of the events it was told. It is a state of its own beside that
// which the host tells.

#ifndef METSUKE_CONTROLLER_STORE_OBSERVATION_H_
#define METSUKE_CONTROLLER_STORE_OBSERVATION_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// Store::Observe in an open transaction.
absl::Status StoreObservation(Database& database,
                              const Observation& observation);

// Store::ExpireObservations in an open transaction.
absl::Status ExpireObservations(Database& database, int64_t before,
                                int64_t now);

// Brings the table login_sources up to date with the events of an update, which
// are stored already; in an open transaction. While the host cannot read its
// events the table is not there.
absl::Status NoteLogins(Database& database, const HostUpdate& update);

// From now on the host's table is `body`, which an operator had made; in an
// open transaction.
absl::Status StoreOwnTable(Database& database, const std::string& host,
                           const TableBody& body, const std::string& by,
                           int64_t now);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_OBSERVATION_H_
