// Which turns of controls a report tells in one line.

#ifndef METSUKE_CONTROLLER_REPORT_TURN_GROUPS_H_
#define METSUKE_CONTROLLER_REPORT_TURN_GROUPS_H_

#include <set>
#include <vector>

#include "proto/report.pb.h"

namespace metsuke {

// Controls that one and the same thing keeps from being judged on the same
// hosts, or one control alone; the worst first. They are the report's.
using TurnGroup = std::vector<const v1::ReportTurn*>;

// The turns of the report that came out as one of `into`, each group where the
// first of it stands.
std::vector<TurnGroup> GroupTurns(const v1::Report& report,
                                  const std::set<v1::Verdict>& into);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_TURN_GROUPS_H_
