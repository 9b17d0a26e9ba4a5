// Reports on their way: each delivery is in the store from the transaction that
// keeps its night until it has arrived, and is tried again until then.
//
// A delivery is noted as arrived after the other side has said so. Who is
// killed in between tries once more, with the same id: the Message-ID of mail,
// webhook-id, the name of a file.

#ifndef METSUKE_CONTROLLER_DELIVERY_OUTBOX_H_
#define METSUKE_CONTROLLER_DELIVERY_OUTBOX_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "controller/delivery/send.h"
#include "controller/registers.h"
#include "controller/report/report.h"
#include "controller/standing.h"
#include "controller/store/store.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// How long a report is tried to be delivered.
inline constexpr int64_t kDeliverySeconds = 7 * 86400;

// The delivery after a try at `now`: after a failure it waits a minute, then
// twice as long each time up to an hour, and no less than the other side asks
// for; after kDeliverySeconds it is given up.
v1::Delivery AfterTry(v1::Delivery delivery, const Outcome& outcome,
                      int64_t now);

// Its id: the same each time it is tried.
std::string LetterId(const v1::Delivery& delivery);

// The report of a night as a recipient of hosts with the labels `selector` gets
// it: as it was kept, or made now from what is stored when the selector is a
// new one.
absl::StatusOr<v1::Report> ReportOf(const ReportSources& sources,
                                    const std::string& day,
                                    const std::string& selector);

// Sends one; as Send does.
using SendOne =
    std::function<Outcome(const v1::Recipient& recipient,
                          const std::string& address, const Letter& letter)>;

// Tries each delivery that is due at `now`, one after the other, until it is
// asked to stop. How many were tried.
absl::StatusOr<int> DeliverDue(const ReportSources& sources,
                               const v1::DeliveryConfig& config,
                               const SendOne& send, int64_t now,
                               const std::stop_token& stop);

// Does so for as long as it lives.
class Outbox {
 public:
  // All must outlive it.
  Outbox(Store& store, StandingBaseline& baseline,
         const v1::DeliveryConfig& config, int64_t interval);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

 private:
  void Loop(const std::stop_token& stop);

  Store& store_;
  StandingBaseline& baseline_;
  StandingRegisters registers_;
  const v1::DeliveryConfig& config_;
  const int64_t interval_;
  std::jthread thread_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_OUTBOX_H_
