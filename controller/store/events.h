// What happened on hosts, as it is kept.

#ifndef METSUKE_CONTROLLER_STORE_EVENTS_H_
#define METSUKE_CONTROLLER_STORE_EVENTS_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/drift_memo.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// Keeps events of a host, in an open transaction. A sum that was read once more,
// with what had come to it, has the name it had, and grows.
absl::Status StoreEvents(Database& database, const std::string& host,
                         std::span<const v1::Event> events);

// Keeps what follows from a state that is another than it was, `before`; the
// bodies of both are stored. Where a table could not be seen in the same way at
// both times, it keeps that what happened is not told.
absl::Status StoreDrift(Database& database, const std::string& host,
                        const TableDigests& before, const TableDigests& after,
                        int64_t time, DriftMemo& memo);

// A place among the events of a host: after the event with this time and id.
struct EventPlace {
  int64_t time;
  std::string id;
};

// The events of a host after a place, of one kind or, when that is empty, of all:
// in the order of time and id, at most a page of them.
absl::StatusOr<std::vector<v1::Event>> ReadEvents(Database& database,
                                                  const std::string& host,
                                                  const std::string& kind,
                                                  const EventPlace& after,
                                                  int64_t until);

// Store::VisitEvents, where `read` is ReadEvents of the host in a transaction of
// its own.
using ReadPage = std::function<absl::StatusOr<std::vector<v1::Event>>(
    const std::string& kind, const EventPlace& after)>;
absl::Status VisitPages(const EventFilter& filter, const ReadPage& read,
                        const Store::TakeEvent& take);

// Forgets events that happened before `before`, and all of hosts that were
// removed before it; in an open transaction.
absl::Status ForgetEvents(Database& database, int64_t before);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_EVENTS_H_
