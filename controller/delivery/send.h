// One report to one recipient, whatever way it goes.

#ifndef METSUKE_CONTROLLER_DELIVERY_SEND_H_
#define METSUKE_CONTROLLER_DELIVERY_SEND_H_

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "controller/delivery/letter.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// What became of a try.
struct SendResult {
  // Unavailable when the other side cannot be reached at all, Aborted when it
  // refuses the report for good, Cancelled when the program was asked to stop;
  // any other error may be over the next time.
  absl::Status status;
  // Seconds until the other side wants to be asked again; 0 when it does not
  // say.
  int64_t retry_after = 0;
};

// The report as a page of its own, which a folder gets.
using MakeReportPage = std::function<absl::StatusOr<std::string>(
    const v1::Report& report, const v1::Recipient& recipient)>;

// Sends `letter` to `recipient`, mail to `address`. It waits for the other
// side, or until it is asked to stop; for a program that takes mail a minute at
// most.
SendResult Send(const v1::DeliveryConfig& config,
                const v1::Recipient& recipient, const std::string& address,
                const Letter& letter, const MakeReportPage& page,
                const std::stop_token& stop);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_SEND_H_
