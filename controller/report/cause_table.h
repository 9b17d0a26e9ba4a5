// The likely causes of what changed on the hosts of a fleet, each told once.

#ifndef METSUKE_CONTROLLER_REPORT_CAUSE_TABLE_H_
#define METSUKE_CONTROLLER_REPORT_CAUSE_TABLE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "controller/report/cause.h"
#include "controller/report/fleet_change.h"
#include "controller/store/store.h"
#include "proto/baseline.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

// Tables that differ between two states, with the names of rows that do.
using DifferingRows = std::map<std::string, std::set<std::string>>;

class CauseTable {
 public:
  // `to` is the end of the report's time; `rules` must outlive it.
  CauseTable(Store& store, int64_t to, int64_t interval,
             const google::protobuf::RepeatedPtrField<v1::CauseRule>& rules)
      : store_(store), to_(to), interval_(interval), rules_(rules) {}

  // Looks for what may have changed these tables of the host with this number.
  absl::Status Add(uint32_t number, const ReportHost& host,
                   const DifferingRows& differing);

  // What may have caused the changes of one of the tables on these hosts, what
  // did on the most hosts first.
  std::vector<v1::ReportCause> Of(const std::set<std::string>& tables,
                                  const HostNumbers& hosts) const;

 private:
  absl::StatusOr<std::vector<v1::Event>> Events(const ReportHost& host) const;
  static std::optional<v1::ReportCause> Likeliest(
      const Causes& causes, const std::string& table,
      const std::vector<int64_t>& looks, const std::set<std::string>& names);
  size_t Number(v1::ReportCause cause);

  Store& store_;
  const int64_t to_, interval_;
  const google::protobuf::RepeatedPtrField<v1::CauseRule>& rules_;
  std::vector<v1::ReportCause> causes_;
  std::map<std::string, size_t> numbers_;  // by SameCause
  // Of each host the numbers of causes, by table.
  std::unordered_map<uint32_t, std::map<std::string, size_t>> by_host_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_CAUSE_TABLE_H_
