// The controller's side of one Sync stream: a state machine without I/O, clock
// or threads. Messages of the agent and answers of the store go in, messages
// to the agent and one question at a time to the store come out.
//
//   the caller                       the machine
//   a message was read      ──────►  Receive
//   Output::send            ◄──────  written in order
//   Output::ask             ◄──────  to the store; until it has answered
//   Connected, Looked, …    ──────►  nothing more is read from the stream
//
// Records are stored one after the other, in the order of their seq. One that
// can never be stored is stored as a Loss with the reason and then refused, so
// that nothing disappears in silence; one that cannot be stored at present is
// refused with `retry`.
//
// Of an agent newer than this controller what both know is stored. Tables that
// only the agent knows are left out and told of; a newer controller finds the
// host's state to be another than the stored one, and asks for all of it. This
// one finds the same each time the agent connects, for what is stored is all it
// knows of earlier streams: it asks for the state once, which is a record of some
// KiB, the tables' digests and none of the tables it has.

#ifndef METSUKE_CONTROLLER_SYNC_H_
#define METSUKE_CONTROLLER_SYNC_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/body_intake.h"
#include "controller/store/store.h"
#include "proto/sync.pb.h"

namespace metsuke {

// Records of one stream that wait for others.
inline constexpr size_t kMaxQueuedRecords = 256;

class ControllerSync {
 public:
  // What the store, or for a renewal the authority, is asked; the answer goes
  // to the function named here.
  struct Lookup {  // Looked
    v1::State state;
  };
  using Ask = std::variant<std::monostate,
                           Contact,  // Connected
                           Lookup,
                           HostUpdate,    // Committed
                           v1::Renewal>;  // Renewed

  // What to do next.
  struct Output {
    std::vector<v1::ControllerMessage> send;
    Ask ask;
    // What to say of the host in the log; its text has passed an encoder.
    std::string note;
    // The host was heard of and nothing else of it will be stored.
    bool touch = false;
    // Not OK: the stream ends with this status, after `send`.
    absl::Status end;
  };

  // `host` is the UUID of the certificate; agents are told `interval_seconds`.
  ControllerSync(std::string host, uint32_t interval_seconds)
      : host_(std::move(host)), interval_seconds_(interval_seconds) {}

  // A message came. `now` is in seconds since 1970-01-01 UTC, here and below.
  Output Receive(v1::AgentMessage message, int64_t now);

  // Answer to Contact.
  Output Connected(const absl::StatusOr<Standing>& standing);
  // Answer to Lookup: what Store::Missing says.
  Output Looked(const absl::StatusOr<std::vector<std::string>>& missing);
  // Answer to HostUpdate.
  Output Committed(const absl::Status& status, int64_t now);
  // Answer to Renewal: the certificate chain in PEM.
  Output Renewed(const absl::StatusOr<std::string>& chain);

  // The controller has no memory to spare: what waits for bodies is refused
  // and will be sent again.
  Output Abandon(const std::string& reason);

  // Bytes of bodies held at present.
  size_t held_bytes() const { return bodies_.held_bytes(); }

 private:
  // The record that is being stored.
  struct Current {
    v1::Record record;
    HostUpdate update;
    // Of the state as it came.
    std::string state_digest;
    // Set when it is stored as a Loss: why.
    std::string refused;
  };

  void OnHello(const v1::Hello& hello, int64_t now);
  void OnRecord(v1::Record record, int64_t now);
  void OnBody(const v1::Body& body, int64_t now);
  void OnHeartbeat(const v1::Heartbeat& heartbeat);
  void OnRenewal(v1::Renewal renewal);

  void Advance(int64_t now);
  void Begin(v1::Record record, int64_t now);
  void LeaveOut(v1::State& state);
  void DeclareHole(int64_t now);
  void RefuseForGood(const std::string& reason, int64_t now);
  void RefuseForNow(const std::string& reason);
  void AskCommit();
  void Refuse(uint64_t seq, const std::string& reason, bool retry);
  void End(absl::Status status);
  bool InOrder(const v1::Record& record);
  Output Take();

  const std::string host_;
  const uint32_t interval_seconds_;

  std::string stream_;  // of Hello; empty before
  std::string version_;
  std::string state_;    // digest of the host's current state
  std::string left_out_;  // names of tables, as they were told of last
  uint64_t stored_ = 0;  // last record that is stored
  uint64_t newest_ = 0;  // last record that was taken
  // A record that was refused for now: none after it is taken before it.
  uint64_t awaited_ = 0;
  std::deque<v1::Record> queue_;
  std::optional<Current> current_;
  BodyIntake bodies_;  // of current_
  Output output_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SYNC_H_
