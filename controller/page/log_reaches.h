// How far back the logs of a fleet can be read.

#ifndef METSUKE_CONTROLLER_PAGE_LOG_REACHES_H_
#define METSUKE_CONTROLLER_PAGE_LOG_REACHES_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "controller/judge/judge.h"
#include "controller/page/page.h"
#include "controller/report/fleet_change.h"

namespace metsuke {

class LogReaches {
 public:
  // At the instant `to`; `fleet` must outlive it.
  LogReaches(const FleetChange& fleet, BodySource bodies, int64_t to)
      : fleet_(fleet), bodies_(std::move(bodies)), to_(to) {}

  // These hosts all have these tables.
  absl::Status Add(const TableDigests& tables, const HostNumbers& hosts);

  // Sets what is shown of logs; `baseline` says what is asked for, and may be
  // null.
  void Tell(const CompiledBaseline* baseline, Page& page) const;

 private:
  struct Reach {
    std::map<int64_t, HostNumbers> days;
    HostNumbers empty, unread;
  };

  const FleetChange& fleet_;
  const BodySource bodies_;
  const int64_t to_;
  std::map<std::string, Reach> reaches_;  // by source
  HostNumbers unseen_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_LOG_REACHES_H_
