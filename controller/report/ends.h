// A fleet held against the baseline at one end of a report's time.

#ifndef METSUKE_CONTROLLER_REPORT_ENDS_H_
#define METSUKE_CONTROLLER_REPORT_ENDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "controller/judge/verdicts.h"
#include "controller/registers.h"
#include "controller/report/fleet_change.h"
#include "proto/report.pb.h"

namespace metsuke {

// A host, or all in its state, held against the baseline.
struct Stand {
  std::shared_ptr<const JudgedState> judged;
  Waived waived;
  Score score;
};

// For one thread at a time.
class End {
 public:
  // `judge` and `registers` must outlive it.
  End(Judge& judge, const BodySource& bodies, const RegisterRows& registers,
      int64_t now)
      : verdicts_(judge, bodies, registers.digests, registers.rows, now) {}

  // Whether the host with this id may stand otherwise than others in its state.
  bool IsApart(const std::string& host) const {
    return verdicts_.IsApart(host);
  }

  // How the host with these tables stands; good until the next call.
  absl::StatusOr<const Stand*> Of(const TableDigests& tables,
                                  const std::string& host);

 private:
  absl::StatusOr<Stand> Make(const TableDigests& tables,
                             const std::string& host);

  Verdicts verdicts_;
  std::unordered_map<const TableDigests*, Stand> known_;
  Stand apart_;
};

// Sums up how the hosts of a fleet stand.
class FleetSum {
 public:
  void Add(const Score& score);
  void Tell(v1::ReportStanding& standing) const;

 private:
  v1::ReportStanding sum_;
  uint32_t scored_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_ENDS_H_
