// Reports on their way: each delivery is in the store from the transaction that
// keeps its night until it has arrived, and is tried again until then.
//
// A try is noted before it is made, so that nothing is sent that could not be
// noted, and a second time when the other side has answered. Who is killed in
// between tries once more, with the same id: the Message-ID of mail,
// webhook-id, the name of a file.

#ifndef METSUKE_CONTROLLER_DELIVERY_OUTBOX_H_
#define METSUKE_CONTROLLER_DELIVERY_OUTBOX_H_

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/delivery/recipients.h"
#include "controller/delivery/send.h"
#include "controller/standing.h"
#include "controller/store/store.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// How long a report is tried to be delivered.
inline constexpr int64_t kDeliverySeconds = 7 * 86400;

// The delivery as a try begins at `now`.
v1::Delivery BeginTry(v1::Delivery delivery, int64_t now);

// The delivery that was begun, after it ended at `now`. After a failure it
// waits a minute, then twice as long each time up to an hour, and no less than
// the other side asks for; after a refusal for good a day, which may be time
// enough to mend what it is about. After kDeliverySeconds it is given up.
v1::Delivery EndTry(v1::Delivery begun, const SendResult& outcome, int64_t now);

// Its id: the same each time it is tried.
std::string LetterId(const v1::Delivery& delivery);

// What reports of one kind wait for: "mail" for the one way mail is sent,
// "here" for folders and for who is no recipient any more, "webhook NAME". What
// goes one way does not wait for what goes another.
std::string WayTo(const v1::Recipient* recipient);

// Sends one; as Send does.
using SendOne =
    std::function<SendResult(const v1::Recipient& recipient,
                             const std::string& address, const Letter& letter)>;
using Clock = std::function<int64_t()>;

// Tries each delivery that is due and goes `way`, the newest night first, until
// it is asked to stop. When the other side cannot be reached the rest waits as
// well. How many were tried.
absl::StatusOr<int> DeliverDue(Store& store, const DeliveryRules& rules,
                               const std::string& way, const SendOne& send,
                               const Clock& clock, const std::stop_token& stop);

// Has what waits and goes `way` be tried now, or a minute after its last try
// where that is later: whatever kept it may be mended.
absl::Status TryAgainNow(Store& store, const DeliveryRules& rules,
                         const std::string& way, int64_t now);

// Does so for as long as it lives, each way on a thread of its own. What waits
// when it begins, or when a file that holds a secret of its way has changed, is
// tried again then.
class Outbox {
 public:
  // All must outlive it. Pages are made from the template in the file
  // `page_template`; empty for the built-in one.
  Outbox(Store& store, StandingBaseline& baseline, const DeliveryRules& rules,
         int64_t interval, std::string page_template);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

 private:
  void Loop(const std::string& way, const std::stop_token& stop);
  absl::StatusOr<std::string> Page(const v1::Report& report,
                                   const v1::Recipient& recipient);

  Store& store_;
  StandingBaseline& baseline_;
  const DeliveryRules& rules_;
  const int64_t interval_;
  const std::string page_template_;
  std::vector<std::jthread> threads_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_OUTBOX_H_
