// How one host came out, control by control: shared by `posture HOST` and
// `audit-local`.

#ifndef METSUKE_CONTROLLER_CLI_FINDINGS_H_
#define METSUKE_CONTROLLER_CLI_FINDINGS_H_

#include <vector>

#include "controller/cli/items.h"
#include "controller/cli/session.h"

namespace metsuke::cli {

// Prints the findings with their evidence: what failed first, worst first,
// then what is unknown, then what is waived, then a line of sums.
void PrintFindings(const Session& session, const v1::HostPosture& host,
                   const std::vector<v1::Finding>& findings);

// The findings as programs get them.
Item FindingItems(const Session& session,
                  const std::vector<v1::Finding>& findings);

// The exit code that says how the host stands; what is waived does not count.
int CodeOf(const Session& session, const v1::HostPosture& host,
           const std::vector<v1::Finding>& findings);

// Says in each failed control what to do about it.
void AddAdvice(const Session& session, const v1::Baseline& baseline,
               std::vector<v1::Finding>& findings);

// The same with the baseline in force at the controller.
absl::Status AddAdvice(const Session& session, v1::Operator::Stub& stub,
                       std::vector<v1::Finding>& findings);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_FINDINGS_H_
