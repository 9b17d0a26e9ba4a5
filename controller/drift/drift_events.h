// What must have happened on a host because its tables are others now: of what
// no record tells, or may tell wrongly.

#ifndef METSUKE_CONTROLLER_DRIFT_DRIFT_EVENTS_H_
#define METSUKE_CONTROLLER_DRIFT_DRIFT_EVENTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/drift/diff_table.h"
#include "proto/event.pb.h"

namespace metsuke {

// The tables whose changes are events.
std::span<const std::string_view> DriftTables();

// Whether a new row of the table says what happened, however far the table could
// be seen before.
bool TellsByItself(std::string_view table);

// The events that make the rows `after` of the rows `before`, both canonical
// bytes of one of these tables; without a time and a name, which SetTime gives
// them. Of very many changes the first are told and the number of the others.
// `columns` is DiffTable's. DataLoss for bytes that are no such table.
absl::StatusOr<std::vector<v1::Event>> DriftEvents(
    const std::string& table, const std::string& before,
    const std::string& after, uint32_t columns = kEveryColumn);

// The event that says that one of these tables changed while it could not be
// compared; as those of DriftEvents.
v1::Event UntoldDrift(const std::string& table);

// Sets when the rows were first seen to be others, in seconds since 1970-01-01
// UTC, and names the events of one table by it.
void SetTime(int64_t time, std::vector<v1::Event>& events);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_DRIFT_EVENTS_H_
