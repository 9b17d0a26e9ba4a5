#include "controller/store/deliveries.h"

#include "proto/status.h"

namespace metsuke {
namespace {

absl::StatusOr<std::vector<v1::Delivery>> All(Query query) {
  std::vector<v1::Delivery> deliveries;
  while (query.Step())
    if (!deliveries.emplace_back().ParseFromString(query.Text(0)))
      return absl::DataLossError("a stored delivery is damaged");
  RETURN_IF_ERROR(query.status());
  return deliveries;
}

}  // namespace

absl::Status StoreDelivery(Database& database, const v1::Delivery& delivery) {
  const std::string bytes = delivery.SerializeAsString();
  return database.Execute(
      "INSERT INTO delivery(day, recipient, address, next, delivery) "
      "VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
      "SET next = excluded.next, delivery = excluded.delivery",
      delivery.day(), delivery.recipient(), delivery.address(), delivery.next(),
      Blob{bytes});
}

absl::StatusOr<std::vector<v1::Delivery>> SelectDeliveries(
    Database& database, const std::string& day) {
  return All(database.Run(
      "SELECT delivery FROM delivery JOIN report USING(day) "
      "WHERE ?1 = '' OR day = ?1 ORDER BY until DESC, recipient, address",
      day));
}

absl::StatusOr<std::vector<v1::Delivery>> SelectDueDeliveries(
    Database& database, int64_t now) {
  return All(database.Run(
      "SELECT delivery FROM delivery WHERE next <> 0 AND next <= ? "
      "ORDER BY day, recipient, address",
      now));
}

absl::Status ForgetDeliveries(Database& database) {
  RETURN_IF_ERROR(database.Execute(
      "DELETE FROM report_part WHERE day NOT IN (SELECT day FROM report)"));
  return database.Execute(
      "DELETE FROM delivery WHERE day NOT IN (SELECT day FROM report)");
}

}  // namespace metsuke
