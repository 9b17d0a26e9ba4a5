// What changed between two sets of verdicts.

#ifndef METSUKE_CONTROLLER_DRIFT_DIFF_VERDICTS_H_
#define METSUKE_CONTROLLER_DRIFT_DIFF_VERDICTS_H_

#include <vector>

#include "controller/judge/judge.h"
#include "proto/operator.pb.h"

namespace metsuke {

// Changes of table "verdicts": the controls of `baseline` that came out
// differently, in its order, with verdict and reason. Both states were judged
// by it.
std::vector<v1::Change> DiffVerdicts(const CompiledBaseline& baseline,
                                     const JudgedState& before,
                                     const JudgedState& after);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_DIFF_VERDICTS_H_
