#include "controller/judge/finding.h"

namespace metsuke {

void SetFinding(const v1::Control& control, const Judgement& judgement,
                v1::Finding& finding) {
  finding.set_control(control.id());
  *finding.mutable_statements() = control.statements();
  finding.set_severity(control.severity());
  finding.set_verdict(judgement.verdict);
  finding.set_reason(judgement.reason.raw());
  *finding.mutable_evidence() = ToRowSet(judgement.evidence);
  *finding.mutable_title() = control.title();
}

void SetWaived(const v1::Waiver& waiver, v1::Finding& finding) {
  finding.set_waiver(waiver.id());
  finding.set_waived_until(waiver.until());
  finding.set_waiver_approver(waiver.approver());
  finding.set_waiver_reason(waiver.reason());
}

}  // namespace metsuke
