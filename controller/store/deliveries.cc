#include "controller/store/deliveries.h"

#include "controller/store/body.h"
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

absl::Status StoreDeliveries(Database& database,
                             const std::vector<v1::Delivery>& deliveries,
                             const std::string& day,
                             const std::map<std::string, std::string>& parts) {
  for (const auto& [selector, bytes] : parts) {
    const std::string zstd = Compress(bytes);
    RETURN_IF_ERROR(database.Execute(
        "INSERT INTO report_part(day, selector, size, zstd) "
        "VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
        day, selector, static_cast<int64_t>(bytes.size()), Blob{zstd}));
  }
  for (const v1::Delivery& delivery : deliveries) {
    const std::string bytes = delivery.SerializeAsString();
    RETURN_IF_ERROR(database.Execute(
        "INSERT OR REPLACE INTO "
        "delivery(day, recipient, address, queued, next, delivery) "
        "VALUES(?, ?, ?, ?, ?, ?)",
        delivery.day(), delivery.recipient(), delivery.address(),
        delivery.queued(), delivery.next(), Blob{bytes}));
  }
  return absl::OkStatus();
}

absl::Status ChangeDelivery(Database& database, const v1::Delivery& delivery) {
  const std::string bytes = delivery.SerializeAsString();
  RETURN_IF_ERROR(database.Execute(
      "UPDATE delivery SET next = ?, delivery = ? WHERE day = ? "
      "AND recipient = ? AND address = ? AND queued = ?",
      delivery.next(), Blob{bytes}, delivery.day(), delivery.recipient(),
      delivery.address(), delivery.queued()));
  if (database.changes() == 1) return absl::OkStatus();
  return absl::NotFoundError("it is no more on its way");
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
      "ORDER BY day DESC, recipient, address",
      now));
}

absl::Status ForgetDeliveries(Database& database) {
  RETURN_IF_ERROR(database.Execute(
      "DELETE FROM report_part WHERE day NOT IN (SELECT day FROM report)"));
  return database.Execute(
      "DELETE FROM delivery WHERE day NOT IN (SELECT day FROM report)");
}

}  // namespace metsuke
