// Controls summed up over the hosts of a page, what shows a failure told once.

#ifndef METSUKE_CONTROLLER_PAGE_CONTROL_SUMS_H_
#define METSUKE_CONTROLLER_PAGE_CONTROL_SUMS_H_

#include <map>
#include <string>
#include <vector>

#include "controller/page/page.h"
#include "controller/report/ends.h"
#include "controller/report/evidence_rows.h"
#include "controller/report/fleet_change.h"

namespace metsuke {

class ControlSums {
 public:
  // All must outlive it.
  ControlSums(const CompiledBaseline& baseline, const FleetChange& fleet);

  // These hosts all stand so; null for hosts that never reported. How each
  // control came out.
  std::vector<Outcome> Add(const HostNumbers& hosts, const Stand* stand);

  std::vector<PageControl> Tell() const;

 private:
  struct Sum {
    PageControl told;
    HostNumbers failing;
    EvidenceRows rows;
    uint64_t omitted = 0;  // rows that were left out when it was judged
    std::map<std::string, HostNumbers> reasons;
  };

  Outcome AddOne(const HostNumbers& hosts, const Judgement& judgement,
                 bool waived, Sum& sum);

  const CompiledBaseline& baseline_;
  const FleetChange& fleet_;
  std::vector<Sum> sums_;  // in the order of the baseline
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_CONTROL_SUMS_H_
