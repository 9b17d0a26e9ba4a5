// A judgement as operators get it.

#ifndef METSUKE_CONTROLLER_JUDGE_FINDING_H_
#define METSUKE_CONTROLLER_JUDGE_FINDING_H_

#include "controller/judge/evaluate.h"
#include "proto/operator.pb.h"

namespace metsuke {

// Sets in `finding` how `control` came out.
void SetFinding(const v1::Control& control, const Judgement& judgement,
                v1::Finding& finding);

// Says in `finding` that `waiver` covers it.
void SetWaived(const v1::Waiver& waiver, v1::Finding& finding);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_FINDING_H_
