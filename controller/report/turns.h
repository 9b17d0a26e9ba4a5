// Controls that came out otherwise, put together over the hosts of a fleet.

#ifndef METSUKE_CONTROLLER_REPORT_TURNS_H_
#define METSUKE_CONTROLLER_REPORT_TURNS_H_

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "controller/report/cause_table.h"
#include "controller/report/ends.h"
#include "controller/report/evidence_rows.h"
#include "controller/report/fleet_change.h"
#include "proto/report.pb.h"

namespace metsuke {

class Turns {
 public:
  // Both must outlive it.
  Turns(const CompiledBaseline& baseline, const FleetChange& fleet)
      : baseline_(baseline), fleet_(fleet) {}

  // How hosts stood and stand.
  void Add(const HostNumbers& hosts, const Stand& before, const Stand& after);

  // Sets the turns of the report.
  void Tell(const CauseTable& causes, v1::Report& report) const;

 private:
  struct Turn {
    HostNumbers hosts;
    uint32_t waived = 0, unwaived = 0;
    std::string reason;
    std::vector<std::string> columns;
    EvidenceRows rows;
  };
  using Key = std::tuple<size_t, v1::Verdict, v1::Verdict>;

  void TellOne(const Key& key, const Turn& turn, const CauseTable& causes,
               v1::ReportTurn& told) const;

  const CompiledBaseline& baseline_;
  const FleetChange& fleet_;
  std::map<Key, Turn> turns_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_TURNS_H_
