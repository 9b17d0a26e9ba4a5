// Carries out on the spool what AgentSync decides, and hands out the messages
// for the controller one by one, so that of all that waits no more than one
// part of a body is in memory. Knows no network: the daemon moves the messages,
// a test by hand.

#ifndef METSUKE_AGENT_COURIER_H_
#define METSUKE_AGENT_COURIER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/spool.h"
#include "agent/sync.h"

namespace metsuke {

// What only the daemon can do.
struct Orders {
  // The controller has let the stream begin.
  bool welcomed = false;
  // Records up to this one were acknowledged; 0 when none was.
  uint64_t acknowledged = 0;
  // Record the state once more, see Courier::RecordCurrent.
  bool record_current = false;
  std::optional<uint32_t> interval_seconds;
  // A certificate chain, PEM, as the controller sent it.
  std::optional<std::string> certificate;
  // Why the controller gives no certificate; its own words.
  std::optional<std::string> renewal_refused;
  // What an operator should know; may contain the controller's text.
  std::vector<std::string> notes;
  std::optional<step::Close> close;
};

class Courier {
 public:
  // `spool` must outlive the courier. `version` is the agent's.
  Courier(Spool& spool, std::string version)
      : spool_(spool), sync_(std::move(version)) {}

  // A stream was opened; is gone; brought a message. `now` is in seconds since
  // 1970-01-01 UTC, here and below.
  void Connected(int64_t now);
  void Disconnected();
  void Received(const v1::ControllerMessage& message, int64_t now);

  // The spool has a new record.
  void Recorded(int64_t now) { Do(sync_.Recorded(spool_.next_seq()), now); }
  // The host looks as spool.current() says.
  void Unchanged(int64_t now);
  // Records spool.current() once more; false when that is not possible, and
  // then the host must be looked at.
  bool RecordCurrent(int64_t now);
  // Asks for a certificate with this request, DER.
  void Renew(const std::string& request, int64_t now) {
    Do(sync_.Renew(request), now);
  }

  // The next message to be sent; nullopt when there is none at present.
  std::optional<v1::AgentMessage> NextMessage(int64_t now);

  // What came up since the last call.
  Orders TakeOrders() { return std::exchange(orders_, {}); }

  // Whether the controller has said Welcome on this stream.
  bool open() const { return sync_.open(); }
  // Whether everything recorded is acknowledged.
  bool drained() const { return sync_.drained(); }

 private:
  void Do(std::vector<Step> steps, int64_t now);
  void Do(step::Send step, int64_t now);
  void Do(step::SendRecord step, int64_t now);
  void Do(step::SendBody step, int64_t now);
  void Do(step::Free step, int64_t now);
  void Do(step::Lose step, int64_t now);
  void Do(step::RecordCurrent step, int64_t now);
  void Do(step::BeginStream step, int64_t now);
  void Do(step::SetInterval step, int64_t now);
  void Do(step::KeepCertificate step, int64_t now);
  void Do(step::RenewalRefused step, int64_t now);
  void Do(step::Note step, int64_t now);
  void Do(step::Close step, int64_t now);
  absl::StatusOr<std::string> ReadPart(const std::string& digest);
  std::optional<v1::AgentMessage> NextPart(const step::SendBody& body,
                                           int64_t now);

  Spool& spool_;
  AgentSync sync_;
  std::deque<std::variant<v1::AgentMessage, step::SendBody>> waiting_;
  // The body at the front of waiting_, when a part of it was sent.
  std::optional<BodyReader> reader_;
  Orders orders_;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_COURIER_H_
