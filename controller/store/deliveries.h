// Reports of the nights on their way to recipients, and what became of them.

#ifndef METSUKE_CONTROLLER_STORE_DELIVERIES_H_
#define METSUKE_CONTROLLER_STORE_DELIVERIES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// Store::PutDeliveries in an open transaction.
absl::Status StoreDeliveries(Database& database,
                             const std::vector<v1::Delivery>& deliveries,
                             const std::string& day,
                             const std::map<std::string, std::string>& parts);

// Store::UpdateDelivery in an open transaction.
absl::Status ChangeDelivery(Database& database, const v1::Delivery& delivery);

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
