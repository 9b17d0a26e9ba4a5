// What could not be seen of a fleet.

#ifndef METSUKE_CONTROLLER_REPORT_UNSEEN_H_
#define METSUKE_CONTROLLER_REPORT_UNSEEN_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "controller/judge/judge.h"
#include "controller/report/fleet_change.h"
#include "controller/store/store.h"
#include "proto/baseline.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

class Unseen {
 public:
  // Looks come `interval` seconds apart. `fleet` must outlive it.
  Unseen(const FleetChange& fleet, BodySource bodies, int64_t from, int64_t to,
         int64_t interval)
      : fleet_(fleet),
        bodies_(std::move(bodies)),
        from_(from),
        to_(to),
        interval_(interval) {}

  // What can be told without the tables.
  void AddHost(uint32_t number);

  // What the collectors say of their own sight on these hosts; `before` is null
  // for hosts that had not reported.
  absl::Status AddSight(const TableDigests* before, const TableDigests& after,
                        const HostNumbers& hosts);

  // Stored rows of a table of these hosts are not what was stored. Passes on
  // any other error: one host's damage must not cost the report of the others.
  absl::Status AddDamage(const absl::Status& status, const std::string& table,
                         const HostNumbers& hosts);

  // What AddSight reads of a state; equal for states that are one to it.
  static std::string SightOf(const TableDigests& tables);

  // Records that were lost, by the ids of hosts.
  void AddLosses(const std::vector<HostLoss>& losses);

  // What is stale on these hosts, by a rule.
  void AddStale(const v1::Control& rule, const HostNumbers& hosts);

  // A rule of the report could not be asked of these hosts. To be called after
  // the sights: where a table that it asks is known to be missing, that is told
  // and explains it.
  void AddUnasked(const CompiledControl& rule, const std::string& reason,
                  const HostNumbers& hosts);

  // Sets what the report could not see.
  void Tell(v1::Report& report) const;

 private:
  // Kind, whether it was so already, table, reason, and of silent hosts the
  // hour or the day since which they are.
  using Key = std::tuple<int, bool, std::string, std::string, int64_t>;
  struct Entry {
    HostNumbers hosts;
    int64_t since = 0;
    uint64_t records = 0;
    v1::Text title;
  };

  Entry& Find(int kind, bool fresh, const std::string& table,
              const std::string& reason, int64_t span = 0);
  absl::StatusOr<bool> ReadRows(const TableDigests& tables,
                                const HostNumbers& hosts, v1::Snapshot& rows);

  const FleetChange& fleet_;
  const BodySource bodies_;
  const int64_t from_, to_, interval_;
  std::map<Key, Entry> entries_;
  // Hosts without the rows of a table, which is told.
  std::map<std::string, std::set<uint32_t>> without_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_UNSEEN_H_
