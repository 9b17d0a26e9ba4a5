// Reports of the nights on their way to recipients, and what became of them.

#ifndef METSUKE_CONTROLLER_STORE_DELIVERIES_H_
#define METSUKE_CONTROLLER_STORE_DELIVERIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// Store::PutDelivery in an open transaction.
absl::Status StoreDelivery(Database& database, const v1::Delivery& delivery);

// Store::Deliveries.
absl::StatusOr<std::vector<v1::Delivery>> SelectDeliveries(
    Database& database, const std::string& day);

// Store::DueDeliveries.
absl::StatusOr<std::vector<v1::Delivery>> SelectDueDeliveries(
    Database& database, int64_t now);

// Forgets those of nights that have no report, in an open transaction.
absl::Status ForgetDeliveries(Database& database);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_DELIVERIES_H_
