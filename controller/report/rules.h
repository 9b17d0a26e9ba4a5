// The rules of the baseline that reports go by, asked of the hosts of a fleet.

#ifndef METSUKE_CONTROLLER_REPORT_RULES_H_
#define METSUKE_CONTROLLER_REPORT_RULES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "controller/judge/judge.h"
#include "controller/registers.h"
#include "controller/report/evidence_rows.h"
#include "controller/report/fleet_change.h"
#include "controller/report/unseen.h"
#include "proto/report.pb.h"

namespace metsuke {

class RuleRows {
 public:
  // Both must outlive it.
  RuleRows(Judge& rules, const RegisterRows& registers, int64_t now)
      : rules_(rules), registers_(registers), now_(now) {}

  // Asks the rules of hosts in one state.
  absl::Status Add(const TableDigests& tables, const HostNumbers& hosts);

  // Sets what is coming in the report, rule by rule.
  void Tell(const FleetChange& fleet, v1::Report& report) const;

  // Calls `take` with each rule that found something, and where.
  void ForEach(const std::function<void(const v1::Control& rule,
                                        const HostNumbers& hosts)>& take) const;

  // Tells `unseen` of rules that could not be asked, but where `before`, the
  // registers at the instant `from`, and the tables of then say that this was
  // so already: many hosts have gaps that stay as they are.
  absl::Status TellUnasked(const FleetChange& fleet,
                           const RegisterRows& before, int64_t from,
                           Unseen& unseen) const;

 private:
  struct Found {
    std::vector<std::string> columns;
    HostNumbers hosts;
    EvidenceRows rows;
  };

  Judge& rules_;
  const RegisterRows& registers_;
  const int64_t now_;
  std::map<size_t, Found> found_;  // by the number of the rule
  // By the number of the rule and the reason.
  std::map<std::pair<size_t, std::string>, HostNumbers> unasked_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_RULES_H_
