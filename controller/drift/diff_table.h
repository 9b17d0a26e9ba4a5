// What changed between two bodies of one table, row by row.

#ifndef METSUKE_CONTROLLER_DRIFT_DIFF_TABLE_H_
#define METSUKE_CONTROLLER_DRIFT_DIFF_TABLE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/operator.pb.h"

namespace metsuke {

inline constexpr uint32_t kEveryColumn = std::numeric_limits<uint32_t>::max();

// Changes that make the rows `after` of the rows `before`, both canonical
// bytes of `table`, which may be a register, in the order of the keys; `host`
// is left empty. A removed and an added row with equal key columns are one
// changed row; of several with equal keys the first is paired with the first. A
// bool is "true" or "false", an instant RFC 3339 or, when it is 0, empty.
// NotFound for an unknown table, DataLoss for bytes that are no such table.
// Texts are the host's.
//
// Columns with a number above `columns` are those that who wrote one of the
// bodies did not know: by them no row is told from another. A row that came or
// went is shown with them.
absl::StatusOr<std::vector<v1::Change>> DiffTable(
    const std::string& table, const std::string& before,
    const std::string& after, uint32_t columns = kEveryColumn);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_DIFF_TABLE_H_
