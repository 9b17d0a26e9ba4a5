#include "controller/sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/event_id.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"
#include "proto/utf8.h"
#include "proto/version.h"

namespace metsuke {
namespace {

constexpr size_t kStreamBytes = 16;
constexpr size_t kDigestBytes = 32;
constexpr size_t kVersionBytes = 64;
constexpr size_t kReasonBytes = 1024;
// Of tables that are told of.
constexpr size_t kMaxNames = 8;
constexpr size_t kRequestBytes = 8 << 10;
// The agent's limits, with room for later ones.
constexpr int kMaxEvents = 2000;
constexpr size_t kEventBytes = 4096;
// Far above any number a spool reaches, below what SQLite can keep.
constexpr uint64_t kLargestSeq = uint64_t{1} << 62;
// 9999-12-31.
constexpr int64_t kLatest = 253402300799;

std::string Shown(const std::string& text) {
  return enc::Log(HostText(text.substr(0, 100)));
}

// Why the state cannot be stored; empty when it can.
std::string Fault(const v1::State& state) {
  if (state.taken() < 0 || state.taken() > kLatest)
    return "state taken outside the years 1970 to 9999";
  int last = 0;
  std::set<std::string_view> digests;
  for (const v1::TableDigest& table : state.tables()) {
    const auto* field = TableField(table.table());
    if (FilledBy(field) == "metsuke-controller")
      return fmt::format("{} is the controller's to fill", table.table());
    if (table.digest().size() != kDigestBytes)
      return fmt::format("digest of {} has {} bytes in place of {}",
                         table.table(), table.digest().size(), kDigestBytes);
    // Ascending numbers also mean that no table comes twice.
    if (field->number() <= last)
      return fmt::format("table {} is not in the order of the field numbers",
                         table.table());
    last = field->number();
    // Canonical bytes begin with the table's number: only empty ones are alike.
    if (!digests.insert(table.digest()).second && table.digest() != Sha256(""))
      return fmt::format("digest of {} is that of another table, too",
                         table.table());
  }
  return "";
}

// Why the loss in record `seq` cannot be stored; empty when it can.
std::string Fault(const v1::Loss& loss, uint64_t seq) {
  if (loss.from() == 0 || loss.from() > loss.to() || loss.to() > seq)
    return fmt::format("a loss of {} to {} cannot stand in record {}",
                       loss.from(), loss.to(), seq);
  if (loss.reason().size() > kReasonBytes)
    return fmt::format("the reason of a loss has more than {} bytes",
                       kReasonBytes);
  if (loss.noticed() < 0 || loss.noticed() > kLatest)
    return "loss noticed outside the years 1970 to 9999";
  return "";
}

// Why the events cannot be stored; empty when they can.
std::string Fault(const v1::Events& events) {
  if (events.events_size() > kMaxEvents)
    return fmt::format("a record with more than {} events", kMaxEvents);
  for (const v1::Event& event : events.events()) {
    if (event.id().size() != kEventIdBytes)
      return fmt::format("the id of an event has {} bytes in place of {}",
                         event.id().size(), kEventIdBytes);
    if (event.time() < 0 || event.time() > kLatest)
      return "an event outside the years 1970 to 9999";
    if (event.ByteSizeLong() > kEventBytes)
      return fmt::format("an event with more than {} bytes", kEventBytes);
  }
  return "";
}

v1::Loss MakeLoss(uint64_t from, uint64_t to, const std::string& reason,
                  int64_t now) {
  v1::Loss loss;
  loss.set_from(from);
  loss.set_to(to);
  loss.set_reason(ToUtf8(reason.substr(0, kReasonBytes)));
  loss.set_noticed(now);
  return loss;
}

}  // namespace

ControllerSync::Output ControllerSync::Take() {
  return std::exchange(output_, Output());
}

void ControllerSync::Refuse(uint64_t seq, const std::string& reason,
                            bool retry) {
  v1::Refusal& refusal = *output_.send.emplace_back().mutable_refusal();
  refusal.set_seq(seq);
  refusal.set_reason(reason);
  refusal.set_retry(retry);
}

void ControllerSync::End(absl::Status status) {
  output_.end = std::move(status);
  output_.ask = std::monostate();
}

ControllerSync::Output ControllerSync::Receive(v1::AgentMessage message,
                                               int64_t now) {
  if (stream_.empty() != message.has_hello()) {
    End(absl::InvalidArgumentError(
        "a stream begins with one Hello and has no other"));
    return Take();
  }
  switch (message.message_case()) {
    case v1::AgentMessage::kHello:
      OnHello(message.hello(), now);
      break;
    case v1::AgentMessage::kRecord:
      OnRecord(std::move(*message.mutable_record()), now);
      break;
    case v1::AgentMessage::kBody:
      OnBody(message.body(), now);
      break;
    case v1::AgentMessage::kHeartbeat:
      OnHeartbeat(message.heartbeat());
      break;
    case v1::AgentMessage::kRenewal:
      OnRenewal(std::move(*message.mutable_renewal()));
      break;
    default:
      Refuse(0, "a message of a kind this controller does not know", false);
  }
  return Take();
}

void ControllerSync::OnHello(const v1::Hello& hello, int64_t now) {
  if (hello.stream().size() != kStreamBytes)
    return End(absl::InvalidArgumentError(
        fmt::format("Hello: the stream must have {} bytes", kStreamBytes)));
  if (hello.first_seq() == 0 || hello.first_seq() > hello.next_seq() ||
      hello.next_seq() > kLargestSeq)
    return End(absl::InvalidArgumentError(
        fmt::format("Hello: a spool cannot hold the records {} to {}",
                    hello.first_seq(), hello.next_seq())));
  stream_ = hello.stream();
  version_ = ToUtf8(hello.version().substr(0, kVersionBytes));
  output_.ask = Contact{
      .host = host_, .stream = stream_, .version = version_, .now = now};
}

ControllerSync::Output ControllerSync::Connected(
    const absl::StatusOr<Standing>& standing) {
  if (!standing.ok()) {
    End(standing.status());
    return Take();
  }
  stored_ = newest_ = standing->acknowledged;
  state_ = standing->state;
  v1::Welcome& welcome = *output_.send.emplace_back().mutable_welcome();
  welcome.set_acknowledged(stored_);
  welcome.set_interval_seconds(interval_seconds_);
  return Take();
}

void ControllerSync::OnRecord(v1::Record record, int64_t now) {
  const uint64_t seq = record.seq();
  if (seq == 0 || seq > kLargestSeq)
    return Refuse(seq, "a record with an impossible number", false);
  if (seq <= stored_) {
    output_.send.emplace_back().mutable_ack()->set_seq(stored_);
    return;
  }
  if (seq <= newest_) return;  // it is being stored
  if (!InOrder(record))
    return Refuse(seq, fmt::format("record {} comes first", awaited_), true);
  awaited_ = 0;
  if (queue_.size() >= kMaxQueuedRecords) {
    awaited_ = seq;
    return Refuse(seq, "too many records wait", true);
  }
  newest_ = seq;
  queue_.push_back(std::move(record));
  Advance(now);
}

// Whether the record that was refused for now has come again, or will not.
bool ControllerSync::InOrder(const v1::Record& record) {
  return awaited_ == 0 || record.seq() <= awaited_ ||
         (record.has_loss() && record.loss().from() <= awaited_);
}

void ControllerSync::Advance(int64_t now) {
  if (current_ || queue_.empty()) return;
  v1::Record record = std::move(queue_.front());
  queue_.pop_front();
  Begin(std::move(record), now);
}

void ControllerSync::Begin(v1::Record record, int64_t now) {
  current_.emplace();
  current_->record = std::move(record);
  v1::Record& taken = current_->record;
  current_->update = {
      .host = host_, .stream = stream_, .seq = taken.seq(), .now = now};
  if (taken.has_loss()) {
    const std::string fault = Fault(taken.loss(), taken.seq());
    if (!fault.empty()) return RefuseForGood(fault, now);
    // What was stored before the agent lost its copy was not lost.
    v1::Loss& loss = *taken.mutable_loss();
    loss.set_from(std::max(loss.from(), stored_ + 1));
    if (loss.from() <= loss.to()) current_->update.losses.push_back(loss);
    DeclareHole(now);
    return AskCommit();
  }
  if (taken.has_events()) {
    const std::string fault = Fault(taken.events());
    if (!fault.empty()) return RefuseForGood(fault, now);
    DeclareHole(now);
    current_->update.events.assign(taken.events().events().begin(),
                                   taken.events().events().end());
    return AskCommit();
  }
  if (!taken.has_state())
    return RefuseForGood("a record of a kind this controller does not know",
                         now);
  
  current_->state_digest = StateDigest(taken.state());
  LeaveOut(*taken.mutable_state());
  const std::string fault = Fault(taken.state());
  if (!fault.empty()) return RefuseForGood(fault, now);
  DeclareHole(now);
  current_->update.state = taken.state();
  output_.ask = Lookup{taken.state()};
}

// Takes the tables out that only a newer agent knows.
void ControllerSync::LeaveOut(v1::State& state) {
  auto& tables = *state.mutable_tables();
  const auto first = std::stable_partition(
      tables.begin(), tables.end(), [](const v1::TableDigest& table) {
        return TableField(table.table()) != nullptr;
      });
  if (first == tables.end()) return;
  std::vector<std::string> names;
  for (auto it = first; it != tables.end() && names.size() < kMaxNames; ++it)
    names.push_back(Shown(it->table()));
  const std::string told = fmt::format("{}", fmt::join(names, ", "));
  tables.erase(first, tables.end());
  if (std::exchange(left_out_, told) == told) return;
  output_.note = fmt::format(
      "its agent ({}) is newer than this controller ({}), which leaves out what "
      "it does not know: {}",
      Shown(version_), kVersion, told);
}

// Records that neither came nor were declared lost are lost all the same.
void ControllerSync::DeclareHole(int64_t now) {
  uint64_t last = current_->record.seq() - 1;
  if (!current_->update.losses.empty())
    last = std::min(last, current_->update.losses.front().from() - 1);
  if (last <= stored_) return;
  current_->update.losses.push_back(
      MakeLoss(stored_ + 1, last, "the agent never sent them", now));
}

void ControllerSync::AskCommit() { output_.ask = std::move(current_->update); }

ControllerSync::Output ControllerSync::Looked(
    const absl::StatusOr<std::vector<std::string>>& missing) {
  if (!missing.ok()) {
    RefuseForNow(Message(missing.status()));
    return Take();
  }
  const std::set<std::string> digests(missing->begin(), missing->end());
  for (const v1::TableDigest& table : current_->record.state().tables())
    if (digests.contains(table.digest()))
      bodies_.Want(table.digest(), table.table());
  if (digests.empty()) {
    AskCommit();
    return Take();
  }
  v1::Want& want = *output_.send.emplace_back().mutable_want();
  want.set_seq(current_->record.seq());
  want.mutable_digests()->Assign(missing->begin(), missing->end());
  return Take();
}

void ControllerSync::OnBody(const v1::Body& body, int64_t now) {
  BodyIntake::Result taken = bodies_.Take(body);
  if (taken.unasked) Refuse(0, "a body nobody asked for", false);
  if (!taken.fault.empty()) return RefuseForGood(taken.fault, now);
  if (!taken.body) return;
  current_->update.bodies.push_back(*std::move(taken.body));
  if (bodies_.complete()) AskCommit();
}

void ControllerSync::RefuseForGood(const std::string& reason, int64_t now) {
  bodies_.Drop();
  const uint64_t seq = current_->record.seq();
  current_->refused = reason;
  HostUpdate& update = current_->update;
  update.state.reset();
  update.bodies.clear();
  update.losses.clear();
  update.events.clear();
  DeclareHole(now);
  update.losses.push_back(MakeLoss(seq, seq, "refused: " + reason, now));
  AskCommit();
}

void ControllerSync::RefuseForNow(const std::string& reason) {
  const uint64_t seq = current_->record.seq();
  bodies_.Drop();
  Refuse(seq, reason, true);
  for (const v1::Record& record : queue_)
    Refuse(record.seq(), fmt::format("record {} comes first", seq), true);
  queue_.clear();
  current_.reset();
  newest_ = stored_;
  awaited_ = seq;
}

ControllerSync::Output ControllerSync::Committed(const absl::Status& status,
                                                 int64_t now) {
  if (absl::IsPermissionDenied(status)) {
    End(status);
    return Take();
  }
  if (!status.ok()) {
    RefuseForNow(Message(status));
    return Take();
  }
  const Current done = *std::exchange(current_, std::nullopt);
  bodies_.Drop();
  stored_ = done.record.seq();
  if (!done.refused.empty()) {
    Refuse(stored_, done.refused, false);
  } else {
    output_.send.emplace_back().mutable_ack()->set_seq(stored_);
    if (done.record.has_state()) state_ = done.state_digest;
  }
  Advance(now);
  return Take();
}

void ControllerSync::OnHeartbeat(const v1::Heartbeat& heartbeat) {
  output_.touch = true;
  // While records are on their way the two sides may well differ.
  if (current_ || !queue_.empty() || heartbeat.state() == state_) return;
  // The agent must send its state as a new record.
  output_.send.emplace_back().mutable_want()->set_seq(0);
}

void ControllerSync::OnRenewal(v1::Renewal renewal) {
  if (renewal.request().empty() || renewal.request().size() > kRequestBytes)
    return Refuse(0,
                  fmt::format("certificate request: must have 1 to {} bytes",
                              kRequestBytes),
                  false);
  output_.ask = std::move(renewal);
}

ControllerSync::Output ControllerSync::Renewed(
    const absl::StatusOr<std::string>& chain) {
  if (chain.ok())
    output_.send.emplace_back().mutable_certificate()->set_chain(*chain);
  else
    Refuse(0, "certificate renewal: " + Message(chain.status()), true);
  return Take();
}

ControllerSync::Output ControllerSync::Abandon(const std::string& reason) {
  if (current_) RefuseForNow(reason);
  return Take();
}

}  // namespace metsuke
