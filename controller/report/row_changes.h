// Rows that differ, put together over the hosts of a fleet.

#ifndef METSUKE_CONTROLLER_REPORT_ROW_CHANGES_H_
#define METSUKE_CONTROLLER_REPORT_ROW_CHANGES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "controller/drift/state_drift.h"
#include "controller/report/cause_table.h"
#include "controller/report/fleet_change.h"
#include "controller/report/noise.h"
#include "proto/baseline.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

class RowChanges {
 public:
  // `rules` and `hosts` must outlive it.
  RowChanges(const v1::Baseline& rules, const FleetChange& fleet)
      : rules_(rules), fleet_(fleet), noise_(rules.noise()) {}

  // Takes the changes of a table on the hosts of the pair with this number, and
  // says in `differing` which rows are to be told.
  void Add(size_t pair, const std::string& table, const Changes& changes,
           DifferingRows& differing);

  // Sets changes and noise of the report.
  void Tell(const CauseTable& causes, v1::Report& report) const;

 private:
  // Numbers of pairs, ascending.
  using Pairs = std::vector<size_t>;
  struct Same {
    v1::Change change;
    Pairs pairs;
  };
  struct Left {
    uint64_t changes = 0;
    Pairs pairs;
  };

  HostNumbers Hosts(const Pairs& pairs) const;
  const v1::ReportSection* Section(const std::string& table) const;
  int Place(const std::string& table) const;
  void TellTable(const std::string& table,
                 const std::map<std::string, Same>& changes,
                 const CauseTable& causes, v1::Report& report) const;

  const v1::Baseline& rules_;
  const FleetChange& fleet_;
  const Noise noise_;
  // By table, and within it by the change itself.
  std::map<std::string, std::map<std::string, Same>> changes_;
  std::map<int, Left> noise_left_;  // by the number of the rule
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_ROW_CHANGES_H_
