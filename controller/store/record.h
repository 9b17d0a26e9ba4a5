// How one record of an agent changes the tables of the store.

#ifndef METSUKE_CONTROLLER_STORE_RECORD_H_
#define METSUKE_CONTROLLER_STORE_RECORD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// Store::Connect in an open transaction.
absl::StatusOr<Standing> StoreContact(Database& database,
                                      const Contact& contact);

// Store::Commit in an open transaction.
absl::Status StoreRecord(Database& database, const HostUpdate& update);

// Store::Observe in an open transaction.
absl::Status StoreObservation(Database& database,
                              const Observation& observation);

// Store::ExpireObservations in an open transaction.
absl::Status ExpireObservations(Database& database, int64_t before,
                                int64_t now);

// Whether the store has the body for a host, as Store::Missing has it.
absl::StatusOr<bool> HasBody(Database& database, const std::string& host,
                             const v1::TableDigest& table);

// The canonical bytes of a table, as Store::Body has it.
absl::StatusOr<std::string> ReadBody(Database& database,
                                     std::string_view digest);

// The state with these tables, in the order of the schema, as StateDigest wants
// them.
v1::State InOrder(const TableDigests& tables);

// The digests of a state; empty when there is no such state.
absl::StatusOr<TableDigests> ReadState(Database& database,
                                       std::string_view digest);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_RECORD_H_
