// The report of each night: made once, whoever tries and however often.

#ifndef METSUKE_CONTROLLER_DELIVERY_NIGHTLY_H_
#define METSUKE_CONTROLLER_DELIVERY_NIGHTLY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "controller/delivery/recipients.h"
#include "controller/registers.h"
#include "controller/report/calendar.h"
#include "controller/report/report.h"
#include "controller/standing.h"
#include "controller/store/store.h"

namespace metsuke {

// How long after the end of its time a report is made: until then every host
// that is there has said what it looked like.
int64_t ReportDelay(int64_t interval);

// The question for the report that ends at `to`: since the last night, or since
// a day before when there was none.
absl::StatusOr<ReportQuestion> QuestionUntil(Store& store, int64_t to);

// Makes and keeps the report of the night that is due at `now`, and with it
// that it goes to the recipients of `rules`. What was kept; nothing when none
// is due: the night has one, its time has not come, or there is no host yet to
// tell of.
absl::StatusOr<std::optional<v1::ReportEntry>> MakeDueReport(
    const ReportSources& sources, TimeOfDay time, const DeliveryRules& rules,
    int64_t now);

// Does so for as long as it lives.
class Nightly {
 public:
  // All must outlive it.
  Nightly(Store& store, StandingBaseline& baseline, TimeOfDay time,
          const DeliveryRules& rules, int64_t interval);
  ~Nightly();
  Nightly(const Nightly&) = delete;
  Nightly& operator=(const Nightly&) = delete;

 private:
  void Loop(const std::stop_token& stop);

  Store& store_;
  StandingBaseline& baseline_;
  StandingRegisters registers_;
  const TimeOfDay time_;
  const DeliveryRules& rules_;
  const int64_t interval_;
  std::jthread thread_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_NIGHTLY_H_
