// What two agents, as those before and after an upgrade, both speak of.

#ifndef METSUKE_CONTROLLER_DRIFT_SHARED_COLUMNS_H_
#define METSUKE_CONTROLLER_DRIFT_SHARED_COLUMNS_H_

#include <cstdint>
#include <string>

#include "proto/snapshot.pb.h"

namespace metsuke {

// The highest number of the columns of `table` that both know whose tables
// `collections` these are; 0 when one of them does not know the table. Who does
// not say counts as one that knows all; so does everybody of a table that the
// controller fills.
uint32_t SharedColumns(const v1::Snapshot& before, const v1::Snapshot& after,
                       const std::string& table);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_SHARED_COLUMNS_H_
