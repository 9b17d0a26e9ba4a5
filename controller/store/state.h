// What a host looks like: the bodies of its tables, the states they make, and
// since when; all in an open transaction.

#ifndef METSUKE_CONTROLLER_STORE_STATE_H_
#define METSUKE_CONTROLLER_STORE_STATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// NotFound when no host has the id, PermissionDenied when it was removed.
absl::Status CheckInFleet(Database& database, const std::string& host);

// Keeps the bodies that a host sent, or that the controller made of it.
absl::Status StoreBodies(Database& database, const std::string& host,
                         const std::vector<TableBody>& bodies);

// Ends the spans of tables of `before` that `state` has otherwise or not, and
// begins those that it has, at `since`. NotFound when a body is missing.
absl::Status ChangeSpans(Database& database, const std::string& host,
                         const v1::State& state, const TableDigests& before,
                         int64_t since);

// Keeps a state by its digest.
absl::Status PutState(Database& database, std::string_view digest,
                      const v1::State& tables);

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

#endif  // METSUKE_CONTROLLER_STORE_STATE_H_
