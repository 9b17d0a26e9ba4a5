// The store keeps what the fleet looked like: each table's body once, by its
// digest, however many hosts share it; each host's history as spans of time in
// which a table did not change; and what operators decided about hosts.
//
// Two kinds of callers. Agents' streams write: Connect, Commit and Touch return
// at once, many writes are put into one transaction, and `done` is called on
// the store's own thread when that transaction is synced to disk or has
// failed; it must be short and must not call a waiting function of the store.
// Everything else waits for its answer and may be called from any thread.
// Readers see the last committed transaction and are never held up by writes.
//
// Instants are seconds since 1970-01-01 UTC. Digests are 32 bytes.
//
// Errors, for all calls: NotFound when no host, body or span is called that;
// FailedPrecondition when several hosts are called that; PermissionDenied when
// the host was removed; ResourceExhausted when the disk is full; Unavailable
// when the disk cannot be read or written; DataLoss when what was read is not
// what was stored. A failed write leaves everything as it was.

#ifndef METSUKE_CONTROLLER_STORE_STORE_H_
#define METSUKE_CONTROLLER_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/table_digests.h"
#include "proto/delivery.pb.h"
#include "proto/event.pb.h"
#include "proto/operator.pb.h"
#include "proto/sync.pb.h"

namespace metsuke {

// A state that at least one host is in.
struct HostState {
  std::string digest;  // as StateDigest has it
  TableDigests tables;
};

// By their numbers; what the store read before is shared.
using HostStates = std::vector<std::shared_ptr<const HostState>>;

// Which hosts are meant, of those that were in the fleet at the instant that is
// asked about.
struct HostFilter {
  // "key=value" or "key", comma-separated: all must hold. Empty for all hosts.
  std::string selector;
  // Name or id of one host; empty for all.
  std::string host;
};

struct FleetHost {
  // As ListHosts sends it, but for `stale`, which the store leaves false.
  v1::HostEntry entry;
  // Index of its state in Fleet::states; -1 when it had none.
  int state = -1;
  // Of the last Observation.
  std::string knocked_for;
  std::string knock_address;
};

// Whether the host ever told of itself: one that was only given labels has a
// state, too.
inline bool HasReported(const FleetHost& host) {
  return host.state >= 0 && host.entry.last_seen() != 0;
}

struct Fleet {
  std::vector<FleetHost> hosts;   // by name, then by id
  HostStates states;  // each at least one host's
};

// An agent opened a stream.
struct Contact {
  std::string host;     // the UUID of its certificate
  std::string stream;   // Hello.stream
  std::string version;  // Hello.version
  int64_t now = 0;
  std::string address;  // where it spoke from
};

// What the store knows of the host that opened it.
struct Standing {
  uint64_t acknowledged = 0;  // last stored record of the stream
  std::string state;          // digest of its current state; empty when none
};

// A table as it travels and is stored; controller/store/body.h makes and
// checks them. The store takes it that the caller has checked it.
struct TableBody {
  std::string digest;
  std::string table;
  uint32_t size = 0;  // of the canonical bytes
  std::string zstd;   // the canonical bytes, compressed
};

// One record of an agent's spool, or the refusal of one, with the bodies it
// brought along.
struct HostUpdate {
  std::string host;
  std::string stream;
  uint64_t seq = 0;
  int64_t now = 0;
  std::optional<v1::State> state;
  std::vector<TableBody> bodies;
  std::vector<v1::Loss> losses;
  // Each is kept once, by its id.
  std::vector<v1::Event> events;
};

// Which events are meant.
struct EventFilter {
  int64_t since = 0, until = 0;    // until is exclusive; 0 is without an end
  std::vector<std::string> kinds;  // as in v1::Event; none for all
};

// What the controller itself saw of a host.
struct Observation {
  std::string host;  // its id
  int64_t now = 0;
  // Tables that the schema says metsuke-controller fills, each at most once;
  // those that are not among them stay as they are.
  std::vector<TableBody> bodies;
  // What the look followed from, for whoever wants to know whether there is
  // something new to see.
  std::string knocked_for;
  // Where to look at the host; empty for where it says itself.
  std::string knock_address;
};

// A baseline as it was applied.
struct StoredBaseline {
  std::string version;
  std::string by;
  int64_t applied = 0;
  std::vector<v1::BaselineFile> files;
};

// Labels of one host that an operator changes.
struct LabelChange {
  std::string host;  // its id
  std::vector<std::string> set, remove;
};

// Registers that an operator changes, all of it or nothing.
struct RegisterUpdate {
  std::vector<TableBody> bodies;
  std::vector<LabelChange> labels;
  std::string by;
  int64_t now = 0;
};

// How long a register was as it was.
struct RegisterTime {
  std::string name;
  std::string digest;
  int64_t since = 0, until = 0;  // until is 0 while it lasts
  std::string by;
};

// A control that fails on a host.
struct HostControl {
  std::string host;  // its id
  std::string control;
  // Since when it has failed at every report.
  int64_t since = 0;
};

// The report of a night and what the next one needs to know.
struct NightReport {
  v1::ReportEntry entry;
  std::string bytes;  // of a v1::Report
  // What began to fail, and what no longer fails, at its end.
  std::vector<HostControl> opened, closed;
  // Of what Behind told, that which it tells.
  std::map<std::string, int64_t> behind;
  // Bytes of the reports of the same night about hosts with certain labels, by
  // selector.
  std::map<std::string, std::string> parts;
  // Whom it goes to.
  std::vector<v1::Delivery> deliveries;
};

// Records that a host declared lost.
struct HostLoss {
  std::string host;  // its id
  uint64_t records = 0;
  std::string reason;    // of several reasons one
  int64_t noticed = 0;  // of several the first
};

class Store {
 public:
  virtual ~Store() = default;

  // A host that is not known yet becomes part of the fleet. Of another it says
  // nothing yet: it is not heard of before it tells its state or that nothing
  // changed.
  virtual void Connect(const Contact& contact,
                       std::function<void(absl::StatusOr<Standing>)> done) = 0;

  // The digests of `state` whose bodies Commit needs and the store does not
  // have: never stored, or, for a table marked (sensitive), never stored from
  // this host. Each once. The empty table is known to everybody.
  virtual absl::StatusOr<std::vector<std::string>> Missing(
      const std::string& host, const v1::State& state) = 0;

  // Stores a record whole: the state, its spans and bodies, the losses. A
  // record with a seq that is not newer than the acknowledged one changes
  // nothing and is OK. NotFound when a body is still missing. A span begins
  // when the host says it looked, but neither before its predecessor nor
  // after `now`.
  virtual void Commit(HostUpdate update,
                      std::function<void(absl::Status)> done) = 0;

  // Stores what the controller saw; waits until it is on disk. From then on it
  // is part of the host's state. InvalidArgument for a table that is another's
  // to fill.
  virtual absl::Status Observe(const Observation& observation) = 0;

  // From `now` on, what the controller saw and has not looked at again since
  // `before`, or at an instant that has not come yet, is no longer part of a
  // host's state.
  virtual absl::Status ExpireObservations(int64_t before, int64_t now) = 0;

  // Notes that the host was heard of at `now`.
  virtual void Touch(const std::string& host, int64_t now) = 0;

  // The hosts that `filter` means with their states at `at`; 0 is now. Hosts
  // that joined later are left out, hosts that were removed since are not;
  // names and labels are those they have now or had last.
  // InvalidArgument when the selector cannot be read; NotFound when
  // filter.host is no host. No host with the labels is an empty fleet.
  virtual absl::StatusOr<Fleet> ReadFleet(const HostFilter& filter,
                                          int64_t at) = 0;

  // The same hosts in the same order, one by one, for what need not hold them
  // all: a host's state is among the `states` that came up until then. The
  // store is not held up while `take` runs; in between hosts may change, and
  // one that takes another name may come twice or not at all. `take` may move
  // from the host.
  using TakeHost = std::function<absl::Status(
      FleetHost& host, const HostStates& states)>;
  virtual absl::Status VisitFleet(const HostFilter& filter, int64_t at,
                                  const TakeHost& take) = 0;

  // The host with this name or id.
  virtual absl::StatusOr<v1::HostEntry> FindHost(
      const std::string& name_or_id) = 0;

  // The canonical bytes of a table: they parse as a Snapshot.
  virtual absl::StatusOr<std::string> Body(std::string_view digest) = 0;

  // Spans, newest first, and losses, newest first, of the host with this id.
  virtual absl::StatusOr<v1::HistoryReply> History(const std::string& id) = 0;

  // The events of the host with this id, the oldest first, until `take` says
  // false. The store is not held up while it runs.
  using TakeEvent = std::function<bool(v1::Event event)>;
  virtual absl::Status VisitEvents(const std::string& id,
                                   const EventFilter& filter,
                                   const TakeEvent& take) = 0;

  // Sets `set`, each "key=value", and removes the keys `remove` of the host;
  // returns all its labels, sorted. InvalidArgument when one is not as labels.h
  // says. From then on its table `labels` has them, in whose history `by`
  // stands.
  virtual absl::StatusOr<std::vector<std::string>> SetLabels(
      const LabelChange& change, const std::string& by, int64_t now) = 0;

  // Puts registers in force. One that is as it was stays; of another the time
  // that it was so ends.
  virtual absl::Status PutRegisters(const RegisterUpdate& update) = 0;

  // The registers at the instant `at`; 0 is now. Those that were not kept then
  // are not among them.
  virtual absl::StatusOr<std::vector<RegisterTime>> Registers(int64_t at) = 0;

  // The times of one register, the newest first; none is forgotten.
  virtual absl::StatusOr<std::vector<RegisterTime>> RegisterHistory(
      const std::string& name) = 0;

  // A report that tells until `until` is going to be made: what hosts tell from
  // now on of the time before it is noted.
  virtual absl::Status BeginReport(int64_t until) = 0;

  // Keeps the report of a night, with all that comes with it or nothing.
  // AlreadyExists when its day has one, whoever made it.
  virtual absl::Status PutReport(const NightReport& report) = 0;

  // The nights that have a report, the newest first.
  virtual absl::StatusOr<std::vector<v1::ReportEntry>> Reports() = 0;

  // The bytes of the report of a night, or of its part about the hosts with
  // certain labels; NotFound when there is none.
  virtual absl::StatusOr<std::string> ReadReport(
      const std::string& day, const std::string& selector) = 0;

  // Puts deliveries on their way, in place of those with the same day,
  // recipient and address, and keeps what `parts` has of the reports of `day`.
  virtual absl::Status PutDeliveries(
      const std::vector<v1::Delivery>& deliveries, const std::string& day,
      const std::map<std::string, std::string>& parts) = 0;

  // Keeps how a delivery stands. NotFound when it is no more the one that was
  // put on its way at delivery.queued.
  virtual absl::Status UpdateDelivery(const v1::Delivery& delivery) = 0;

  // The deliveries of a night, of all nights when `day` is empty: those of the
  // newest first, then by recipient and address.
  virtual absl::StatusOr<std::vector<v1::Delivery>> Deliveries(
      const std::string& day) = 0;

  // Those that wait and whose next try has come, of the newest night first.
  virtual absl::StatusOr<std::vector<v1::Delivery>> DueDeliveries(
      int64_t now) = 0;

  // What failed at the instant `at` by the reports of the nights, by host.
  using TakeFinding = std::function<void(const HostControl& finding)>;
  virtual absl::Status VisitFindings(int64_t at, const TakeFinding& take) = 0;

  // Hosts, by id, that have told of a time before the end of the last report
  // that was begun, and the instant before the first of it.
  virtual absl::StatusOr<std::map<std::string, int64_t>> Behind() = 0;

  // Since when the tables of the host with this id were what they were at the
  // instant `at`.
  virtual absl::StatusOr<std::map<std::string, int64_t>> TablesSince(
      const std::string& id, int64_t at) = 0;

  // When each table of the host with this id became another, after `from` and up
  // to `to`, the earliest first.
  virtual absl::StatusOr<std::map<std::string, std::vector<int64_t>>> TableTimes(
      const std::string& id, int64_t from, int64_t to) = 0;

  // What hosts were heard to declare lost after `from`, up to `to`; one for each
  // host.
  virtual absl::StatusOr<std::vector<HostLoss>> Losses(int64_t from,
                                                       int64_t to) = 0;

  // Takes the host with this id out of the fleet. Its history is kept until
  // Forget, its id
  // is never used again, and Connect refuses it from then on.
  virtual absl::Status RemoveHost(const std::string& id, int64_t now) = 0;

  // Forgets what ended before `before`: spans of time, events, and all of hosts that
  // were removed earlier, but that their ids are refused; then the bodies that
  // no span refers to.
  virtual absl::Status Forget(int64_t before) = 0;

  // Puts a baseline in force. A version that was in force before may be again.
  virtual absl::Status PutBaseline(const StoredBaseline& baseline) = 0;

  // The baseline in force; nullopt when none was ever applied.
  virtual absl::StatusOr<std::optional<StoredBaseline>> ActiveBaseline() = 0;

  // When which baseline was put in force, the oldest first; without their
  // files.
  virtual absl::StatusOr<std::vector<StoredBaseline>> Baselines() = 0;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_STORE_H_
