// The agent's side of the service Sync as a machine without disk, clock or
// network: it is told what happened and answers what is to be done. All that a
// controller can bring about is one of the steps below; whatever else it says
// closes the stream.
//
// Records go out in the order of their numbers, at most kWindow of them not yet
// acknowledged. A stream that ends at any point is resumed by a new one: the
// controller's Welcome says what it has.

#ifndef METSUKE_AGENT_SYNC_H_
#define METSUKE_AGENT_SYNC_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "proto/sync.pb.h"

namespace metsuke {

// Records that may be under way at once.
inline constexpr size_t kWindow = 8;
// Compressed bytes of a body in one message.
inline constexpr size_t kBodyPart = 256 << 10;
// Bounds of the interval a controller may ask for, in seconds.
inline constexpr uint32_t kMinInterval = 30;
inline constexpr uint32_t kMaxInterval = 86400;

namespace step {

// Send this message.
struct Send {
  v1::AgentMessage message;
};
// Hand the first record after `after`, if there is one, to Give().
struct SendRecord {
  uint64_t after;
};
// Send this body in Body messages, after the messages of earlier steps; call
// BodyGone() when it is not there.
struct SendBody {
  uint64_t seq;
  std::string digest;
  std::string table;
};
// The controller has the records up to `seq`.
struct Free {
  uint64_t seq;
};
// Replace the record by a Loss.
struct Lose {
  uint64_t seq;
  std::string reason;
};
// Record the last state once more.
struct RecordCurrent {};
// The spool's numbers are of no use any more: begin a new stream.
struct BeginStream {};
// Look at the host this often; within the bounds.
struct SetInterval {
  uint32_t seconds;
};
// Keep this certificate chain, PEM; it is the controller's word, unchecked.
struct KeepCertificate {
  std::string chain;
};
// No certificate comes for what Renew() asked. The reason is the controller's.
struct RenewalRefused {
  std::string reason;
};
// Tell the operator. The text is the controller's.
struct Note {
  std::string text;
};
// Close the stream. `soon` when a new one may be opened at once, otherwise with
// back-off. The reason may contain the controller's text.
struct Close {
  std::string reason;
  bool soon;
};

}  // namespace step

using Step = std::variant<step::Send, step::SendRecord, step::SendBody,
                          step::Free, step::Lose, step::RecordCurrent,
                          step::BeginStream, step::SetInterval,
                          step::KeepCertificate, step::RenewalRefused,
                          step::Note, step::Close>;

class AgentSync {
 public:
  // `version` is the agent's, for Hello.
  explicit AgentSync(std::string version) : version_(std::move(version)) {}

  // A stream was opened. The numbers are the spool's.
  std::vector<Step> Connected(const std::string& stream, uint64_t first_seq,
                              uint64_t next_seq);

  // The stream is gone; until Connected nothing is to be done.
  void Disconnected() { phase_ = Phase::kClosed; }

  // The controller said something.
  std::vector<Step> Received(const v1::ControllerMessage& message);

  // The spool has records up to `next_seq`, exclusive.
  std::vector<Step> Recorded(uint64_t next_seq);

  // Answers SendRecord; nullopt when the spool has no such record.
  std::vector<Step> Give(std::optional<v1::Record> given);

  // A body that SendBody asked for cannot be read.
  std::vector<Step> BodyGone(uint64_t seq, const std::string& reason);

  // The host was looked at and is as the last state says, whose digest this
  // is. Sends a Heartbeat if all records are acknowledged.
  std::vector<Step> Unchanged(const std::string& state_digest);

  // Asks for a certificate, if the stream is open and none is asked for.
  std::vector<Step> Renew(const std::string& request);

  // Whether the controller has said Welcome on this stream.
  bool open() const { return phase_ == Phase::kOpen; }
  // Whether everything recorded is acknowledged.
  bool drained() const { return acknowledged_ + 1 >= next_seq_; }

 private:
  enum class Phase { kClosed, kGreeting, kOpen };
  struct InFlight {
    uint64_t seq;
    std::map<std::string, std::string> tables;  // by digest
    std::set<std::string> wanted;
  };

  std::vector<Step> OnWelcome(const v1::Welcome& welcome);
  std::vector<Step> OnWant(const v1::Want& want);
  std::vector<Step> OnAck(const v1::Ack& ack);
  std::vector<Step> OnRefusal(const v1::Refusal& refusal);
  std::vector<Step> OnCertificate(const v1::Certificate& certificate);
  std::vector<Step> ProtocolError(const std::string& what);
  std::vector<Step> End(const std::string& reason, bool soon);
  std::vector<Step> Fill();
  InFlight* Find(uint64_t seq);

  const std::string version_;
  Phase phase_ = Phase::kClosed;
  uint64_t acknowledged_ = 0;
  uint64_t sent_ = 0;
  uint64_t next_seq_ = 1;
  std::deque<InFlight> in_flight_;
  // A SendRecord is not answered yet.
  bool asked_ = false;
  bool certificate_wanted_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_SYNC_H_
