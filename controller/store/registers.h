// The registers in the database: bodies, and since when they are in force.

#ifndef METSUKE_CONTROLLER_STORE_REGISTERS_H_
#define METSUKE_CONTROLLER_STORE_REGISTERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// Store::PutRegisters in an open transaction.
absl::Status StoreRegisters(Database& database, const RegisterUpdate& update);

// Store::Registers.
absl::StatusOr<std::vector<RegisterTime>> SelectRegisters(Database& database,
                                                          int64_t at);

// Store::RegisterHistory.
absl::StatusOr<std::vector<RegisterTime>> SelectRegisterHistory(
    Database& database, const std::string& name);

// Store::SetLabels in an open transaction, but for what it returns.
absl::Status StoreLabels(Database& database, const LabelChange& change,
                         const std::string& by, int64_t now);

// Makes the labels of each host its table `labels`, from when it joined on, as
// those of a database that had no such table.
absl::Status MakeLabelTables(Database& database);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_REGISTERS_H_
