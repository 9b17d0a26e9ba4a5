#include "controller/judge/score.h"

namespace metsuke {

int Weight(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_CRITICAL:
      return 10;
    case v1::SEVERITY_HIGH:
      return 5;
    case v1::SEVERITY_MEDIUM:
      return 2;
    case v1::SEVERITY_LOW:
      return 1;
    default:
      return 0;
  }
}

Score Count(const CompiledBaseline& baseline,
            std::span<const v1::Verdict> verdicts, const Waived& waived) {
  Score score;
  int passed = 0, excused = 0, applicable = 0;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const v1::Severity severity = baseline.controls[i].control.severity();
    if (verdicts[i] == v1::VERDICT_NOT_APPLICABLE) {
      ++score.not_applicable;
      continue;
    }
    applicable += Weight(severity);
    if (verdicts[i] == v1::VERDICT_PASS) {
      ++score.pass;
      passed += Weight(severity);
    } else if (verdicts[i] != v1::VERDICT_FAIL) {
      ++score.unknown;
    } else {
      ++score.fail;
      if (waived.contains(i)) {
        ++score.waived;
        excused += Weight(severity);
        continue;
      }
      if (severity <= score.worst) continue;
      score.worst = severity;
      score.top = static_cast<int>(i);
    }
  }
  const uint32_t judged = score.pass + score.fail;
  if (applicable > 0) {
    score.score = 100.0 * (passed + excused) / applicable;
    score.without_waivers = 100.0 * passed / applicable;
    score.coverage = 100.0 * judged / (judged + score.unknown);
  }
  return score;
}

void SetScore(const CompiledBaseline& baseline, const Score& score,
              v1::HostPosture& posture) {
  posture.set_score(score.score);
  posture.set_score_without_waivers(score.without_waivers);
  posture.set_coverage(score.coverage);
  posture.set_pass(score.pass);
  posture.set_fail(score.fail);
  posture.set_unknown(score.unknown);
  posture.set_not_applicable(score.not_applicable);
  posture.set_waived(score.waived);
  posture.set_worst(score.worst);
  if (score.top < 0) return;
  const v1::Control& control = baseline.controls[score.top].control;
  posture.set_top_finding(control.id());
  *posture.mutable_top_title() = control.title();
}

}  // namespace metsuke
