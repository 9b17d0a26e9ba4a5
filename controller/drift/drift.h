// What changed: the difference between two bodies of one table, row by row,
// and between two sets of verdicts.

#ifndef METSUKE_CONTROLLER_DRIFT_DRIFT_H_
#define METSUKE_CONTROLLER_DRIFT_DRIFT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"
#include "proto/operator.pb.h"

namespace metsuke {

// Changes that make the rows `after` of the rows `before`, both canonical
// bytes of `table`, in the order of the keys; `host` is left empty. A removed
// and an added row with equal key columns are one changed row; of several with
// equal keys the first is paired with the first. A bool is "true" or "false",
// an instant RFC 3339 or, when it is 0, empty. NotFound for an unknown table,
// DataLoss for bytes that are no such table. Texts are the host's.
absl::StatusOr<std::vector<v1::Change>> DiffTable(const std::string& table,
                                                  const std::string& before,
                                                  const std::string& after);

// Changes of table "verdicts": the controls of `baseline` that came out
// differently, in its order, with verdict and reason. Both states were judged
// by it.
std::vector<v1::Change> DiffVerdicts(const CompiledBaseline& baseline,
                                     const JudgedState& before,
                                     const JudgedState& after);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_DRIFT_H_
