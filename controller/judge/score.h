// What the verdicts over one host come to.

#ifndef METSUKE_CONTROLLER_JUDGE_SCORE_H_
#define METSUKE_CONTROLLER_JUDGE_SCORE_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "controller/judge/baseline.h"
#include "proto/operator.pb.h"

namespace metsuke {

// What a control counts for: critical 10, high 5, medium 2, low 1.
int Weight(v1::Severity severity);

// Failed controls, by their index, with the waiver that covers each.
using Waived = std::map<size_t, const v1::Waiver*>;

struct Score {
  // 100 × weight passed ÷ weight applicable, unknown counted as not passed and
  // waived as passed; -1 when nothing was applicable.
  double score = -1;
  // The same with waived counted as not passed.
  double without_waivers = -1;
  // 100 × controls that passed or failed ÷ controls applicable; 0 when nothing
  // was applicable.
  double coverage = 0;
  // Failed ones count as such, waived or not.
  uint32_t pass = 0, fail = 0, unknown = 0, not_applicable = 0, waived = 0;
  // Index of the failed control of the worst severity that is not waived, the
  // first of several in the order of the baseline; -1 when there is none.
  int top = -1;
  // Its severity; unspecified when there is none.
  v1::Severity worst = v1::SEVERITY_UNSPECIFIED;
};

// Counts `verdicts`, one for each control of `baseline`, in its order. A waiver
// changes nothing about a control that has not failed.
Score Count(const CompiledBaseline& baseline,
            std::span<const v1::Verdict> verdicts, const Waived& waived);

// Sets what `score` says of the host in `posture`.
void SetScore(const CompiledBaseline& baseline, const Score& score,
              v1::HostPosture& posture);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_SCORE_H_
