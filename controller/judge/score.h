// What the verdicts over one host come to.

#ifndef METSUKE_CONTROLLER_JUDGE_SCORE_H_
#define METSUKE_CONTROLLER_JUDGE_SCORE_H_

#include <cstdint>
#include <span>
#include <string>

#include "controller/judge/baseline.h"
#include "proto/operator.pb.h"

namespace metsuke {

// What a control counts for: critical 10, high 5, medium 2, low 1.
int Weight(v1::Severity severity);

struct Score {
  // 100 × weight passed ÷ weight applicable, unknown counted as not passed;
  // -1 when nothing was applicable.
  double score = -1;
  // 100 × controls that passed or failed ÷ controls applicable; 0 when nothing
  // was applicable.
  double coverage = 0;
  uint32_t pass = 0, fail = 0, unknown = 0, not_applicable = 0;
  // Index of the failed control of the worst severity, the first of several in
  // the order of the baseline; -1 when none failed.
  int top = -1;
  // Its severity; unspecified when none failed.
  v1::Severity worst = v1::SEVERITY_UNSPECIFIED;
};

// Counts `verdicts`, one for each control of `baseline`, in its order.
Score Count(const CompiledBaseline& baseline,
            std::span<const v1::Verdict> verdicts);

// Sets what `score` says of the host in `posture`; no waiver exists yet, so
// both scores are the same.
void SetScore(const CompiledBaseline& baseline, const Score& score,
              v1::HostPosture& posture);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_SCORE_H_
