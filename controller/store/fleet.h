// What operators read of the store about hosts.

#ifndef METSUKE_CONTROLLER_STORE_FLEET_H_
#define METSUKE_CONTROLLER_STORE_FLEET_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/memo.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// States that were read, by what tells them apart.
using KnownStates = Memo<HostState>;

// Store::ReadFleet in an open transaction.
absl::StatusOr<Fleet> SelectFleet(Database& database, const HostFilter& filter,
                                  int64_t at, KnownStates& known);

// Reads a fleet a page at a time, each of which may be a transaction of its own.
class FleetReader {
 public:
  // `known` must outlive it.
  FleetReader(HostFilter filter, int64_t at, KnownStates& known);
  ~FleetReader();

  // The hosts that come next, by name and then by id; none after the last. They
  // are the caller's, to move from, until the next call. The errors of
  // Store::ReadFleet.
  absl::StatusOr<std::span<FleetHost>> Next(Database& database);

  // What FleetHost::state is the index of; grows with each page.
  HostStates& states();

  // Labels of all hosts, sorted by host and label.
  using Labels = std::vector<std::pair<std::string, std::string>>;

 private:
  class States;

  const HostFilter filter_;
  const int64_t at_;
  std::optional<Labels> labels_;
  std::vector<FleetHost> page_;
  std::string last_name_, last_id_;
  bool done_ = false;
  std::unique_ptr<States> states_;
};

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
