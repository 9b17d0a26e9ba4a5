// The agent's link to its controller: opens a stream, opens it again with
// back-off when it ends, moves the courier's messages over it, and keeps the
// certificate fresh. Says in the log what an operator needs to know.

#ifndef METSUKE_AGENT_UPLINK_H_
#define METSUKE_AGENT_UPLINK_H_

#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/backoff.h"
#include "agent/courier.h"
#include "agent/identity_files.h"
#include "agent/mailbox.h"
#include "agent/spool.h"
#include "agent/stream.h"
#include "proto/config.pb.h"

namespace metsuke {

// Why a stream ended, as a sentence for the log; safe to be logged.
std::string Describe(const grpc::Status& status, const std::string& address);

class Uplink {
 public:
  using Clock = std::chrono::steady_clock;

  // All but `random`, which returns numbers uniform in [0, 1), must outlive the
  // link.
  Uplink(const v1::AgentConfig& config, Spool& spool, Mailbox& mailbox,
         std::function<double()> random);

  // Does what is due: connects, sends, renews, and hangs up on a controller
  // that has been silent for too long while it owes an answer.
  void Tick(Clock::time_point now);
  // When Tick has something to do by itself.
  Clock::time_point next() const { return next_; }

  void On(event::Message message);
  void On(const event::Written& written);
  void On(const event::Closed& closed);

  // The spool has a new record.
  void Recorded(Clock::time_point now);
  // The host was looked at and looks as the last record says. The controller is
  // told at once, and once more on the next stream if that begins before the
  // next look is due: it may have been away.
  void Unchanged(Clock::time_point now);

  // What the controller asks for, in seconds; 300 until it has.
  uint32_t interval_seconds() const { return interval_seconds_; }
  // A line for people: connected or not, and why.
  const std::string& status() const { return status_; }

 private:
  void Connect(Clock::time_point now);
  void Send();
  void Greeted(Clock::time_point now);
  void Follow(Orders orders);
  void FollowClose(const step::Close& close);
  void Hang(bool soon, const std::string& why);
  Clock::time_point Patience() const;
  void HangOnSilence();
  void RecordCurrent(Clock::time_point now);
  void RenewIfDue(Clock::time_point now);
  void KeepCertificate(const std::string& chain);
  void GiveUpRenewal(const std::string& reason);

  const v1::AgentConfig& config_;
  Spool& spool_;
  Mailbox& mailbox_;
  const std::function<double()> random_;
  Courier courier_;
  std::unique_ptr<Stream> stream_;
  Backoff backoff_;
  Clock::time_point next_;
  // When the stream was opened or last moved: a message came, or one of ours
  // was taken.
  Clock::time_point moved_;
  Clock::time_point welcomed_at_;
  bool welcomed_ = false;
  bool was_soon_ = false;  // the last try was made at once
  std::optional<Clock::time_point> record_current_at_;
  Clock::time_point recorded_current_at_;
  std::optional<Identity> identity_;
  double renewal_jitter_ = 0;
  std::optional<Renewal> renewal_;
  Clock::time_point renewal_at_;
  uint32_t interval_seconds_ = 300;
  // The last look, if nothing had changed.
  std::optional<Clock::time_point> unchanged_at_;
  std::string status_ = "not connected yet";
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_UPLINK_H_
