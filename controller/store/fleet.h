// What operators read of the store about hosts.

#ifndef METSUKE_CONTROLLER_STORE_FLEET_H_
#define METSUKE_CONTROLLER_STORE_FLEET_H_

#include <string>

#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// Store::ReadFleet in an open transaction.
absl::StatusOr<Fleet> SelectFleet(Database& database, const HostFilter& filter,
                                  int64_t at);

// Store::VisitFleet in an open transaction.
absl::Status SelectHosts(Database& database, const HostFilter& filter,
                         int64_t at, const Store::TakeHost& take);

// Store::FindHost.
absl::StatusOr<v1::HostEntry> SelectHost(Database& database,
                                         const std::string& name_or_id);

// Store::History.
absl::StatusOr<v1::HistoryReply> SelectHistory(Database& database,
                                               const std::string& id);

// The labels of a host, as "key=value", sorted.
absl::StatusOr<std::vector<std::string>> SelectLabels(Database& database,
                                                      const std::string& id);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_FLEET_H_
