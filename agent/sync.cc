#include "agent/sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace metsuke {
namespace {

// A chain of two certificates takes less than 2 KiB.
constexpr int kMaxChain = 64 << 10;

// Adds the steps of `more` to `steps`.
void Append(std::vector<Step>& steps, std::vector<Step> more) {
  std::move(more.begin(), more.end(), std::back_inserter(steps));
}

}  // namespace

std::vector<Step> AgentSync::Connected(const std::string& stream,
                                       uint64_t first_seq, uint64_t next_seq) {
  phase_ = Phase::kGreeting;
  acknowledged_ = sent_ = first_seq - 1;
  next_seq_ = next_seq;
  in_flight_.clear();
  asked_ = false;
  certificate_wanted_ = false;
  v1::AgentMessage message;
  message.mutable_hello()->set_stream(stream);
  message.mutable_hello()->set_first_seq(first_seq);
  message.mutable_hello()->set_next_seq(next_seq);
  message.mutable_hello()->set_version(version_);
  return {step::Send{message}};
}

std::vector<Step> AgentSync::Received(const v1::ControllerMessage& message) {
  if (phase_ == Phase::kClosed) return {};
  if (message.has_welcome() != (phase_ == Phase::kGreeting)) {
    return ProtocolError(message.has_welcome()
                             ? "sent a second welcome"
                             : "sent a message before welcome");
  }
  switch (message.message_case()) {
    case v1::ControllerMessage::kWelcome:
      return OnWelcome(message.welcome());
    case v1::ControllerMessage::kWant:
      return OnWant(message.want());
    case v1::ControllerMessage::kAck:
      return OnAck(message.ack());
    case v1::ControllerMessage::kRefusal:
      return OnRefusal(message.refusal());
    case v1::ControllerMessage::kCertificate:
      return OnCertificate(message.certificate());
    case v1::ControllerMessage::MESSAGE_NOT_SET:
      break;
  }
  return {step::Note{
      "the controller sent a message of a kind this agent does not know"}};
}

std::vector<Step> AgentSync::OnWelcome(const v1::Welcome& welcome) {
  phase_ = Phase::kOpen;
  const uint32_t interval =
      std::clamp(welcome.interval_seconds(), kMinInterval, kMaxInterval);
  std::vector<Step> steps{step::SetInterval{interval}};
  if (welcome.acknowledged() >= next_seq_) {
    // This spool was set back, as by a restored image of the machine. Numbers
    // that the controller has seen must not be given again.
    steps.push_back(step::BeginStream{});
    steps.push_back(step::RecordCurrent{});
    Append(steps,
           End(fmt::format("the controller has record {} of this stream and "
                           "the spool ends at {}; beginning a new stream",
                           welcome.acknowledged(), next_seq_ - 1),
               true));
    return steps;
  }
  if (welcome.acknowledged() < acknowledged_) {
    // As after its store was set back. What it lacks, Heartbeat will show.
    steps.push_back(step::Note{
        fmt::format("the controller has lost records {} to {}, which it had "
                    "acknowledged",
                    welcome.acknowledged() + 1, acknowledged_)});
  } else if (welcome.acknowledged() > 0) {
    steps.push_back(step::Free{welcome.acknowledged()});
  }
  acknowledged_ = sent_ = std::max(acknowledged_, welcome.acknowledged());
  Append(steps, Fill());
  return steps;
}

std::vector<Step> AgentSync::OnWant(const v1::Want& want) {
  if (want.seq() == 0) {
    if (want.digests_size() > 0)
      return ProtocolError("wants tables of no record");
    // With a record under way the controller is about to learn the state.
    if (!drained()) return {};
    return {step::RecordCurrent{}};
  }
  InFlight* record = Find(want.seq());
  if (record == nullptr || want.digests_size() == 0) {
    return ProtocolError(
        fmt::format("wants {} tables of record {}, which is not under way",
                    want.digests_size(), want.seq()));
  }
  std::vector<Step> steps;
  for (const std::string& digest : want.digests()) {
    const auto table = record->tables.find(digest);
    if (table == record->tables.end() ||
        !record->wanted.insert(digest).second) {
      return ProtocolError(fmt::format(
          "wants a table that record {} does not name, or wants it twice",
          want.seq()));
    }
    steps.push_back(step::SendBody{want.seq(), digest, table->second});
  }
  return steps;
}

std::vector<Step> AgentSync::OnAck(const v1::Ack& ack) {
  if (ack.seq() <= acknowledged_ || ack.seq() > sent_) {
    return ProtocolError(
        fmt::format("acknowledges record {} while {} to {} are under way",
                    ack.seq(), acknowledged_ + 1, sent_));
  }
  acknowledged_ = ack.seq();
  while (!in_flight_.empty() && in_flight_.front().seq <= acknowledged_)
    in_flight_.pop_front();
  std::vector<Step> steps{step::Free{acknowledged_}};
  Append(steps, Fill());
  return steps;
}

std::vector<Step> AgentSync::OnRefusal(const v1::Refusal& refusal) {
  if (refusal.seq() == 0) {
    if (std::exchange(certificate_wanted_, false))
      return {step::RenewalRefused{refusal.reason()}};
    return {step::Note{refusal.reason()}};
  }
  if (Find(refusal.seq()) == nullptr) {
    return ProtocolError(fmt::format(
        "refuses record {}, which is not under way", refusal.seq()));
  }
  const std::string reason =
      fmt::format("record {} refused: {}", refusal.seq(), refusal.reason());
  if (refusal.retry()) return End(reason, false);
  std::vector<Step> steps{
      step::Lose{refusal.seq(), "refused: " + refusal.reason()}};
  if (in_flight_.front().seq != refusal.seq()) {
    // The controller has gone back on its order; a new stream sets it right.
    Append(steps, End(reason, true));
    return steps;
  }
  steps.push_back(step::Note{reason});
  in_flight_.pop_front();
  // The next Ack is for the Loss, too. Without another record on its way the
  // Loss itself is sent to be acknowledged.
  if (in_flight_.empty()) sent_ = refusal.seq() - 1;
  Append(steps, Fill());
  return steps;
}

std::vector<Step> AgentSync::OnCertificate(const v1::Certificate& certificate) {
  if (!certificate_wanted_)
    return ProtocolError("sent a certificate nobody asked for");
  if (certificate.ByteSizeLong() > kMaxChain)
    return ProtocolError("sent a certificate of more than 64 KiB");
  certificate_wanted_ = false;
  return {step::KeepCertificate{certificate.chain()}};
}

std::vector<Step> AgentSync::Recorded(uint64_t next_seq) {
  next_seq_ = next_seq;
  return Fill();
}

std::vector<Step> AgentSync::Give(std::optional<v1::Record> given) {
  asked_ = false;
  if (phase_ != Phase::kOpen || !given || given->seq() <= sent_) return {};
  v1::Record& record = *given;
  if (record.has_loss() && record.loss().from() <= sent_) {
    // The Loss grew after a part of it was stored or sent.
    record.mutable_loss()->set_from(sent_ + 1);
  }
  InFlight sent{record.seq(), {}, {}};
  for (const v1::TableDigest& table : record.state().tables())
    sent.tables.emplace(table.digest(), table.table());
  in_flight_.push_back(std::move(sent));
  sent_ = record.seq();
  v1::AgentMessage message;
  *message.mutable_record() = std::move(record);
  std::vector<Step> steps{step::Send{std::move(message)}};
  Append(steps, Fill());
  return steps;
}

std::vector<Step> AgentSync::BodyGone(uint64_t seq, const std::string& reason) {
  if (phase_ != Phase::kOpen || Find(seq) == nullptr) return {};
  std::vector<Step> steps{step::Lose{seq, reason}};
  Append(steps, End(fmt::format("record {} is lost: {}", seq, reason), true));
  return steps;
}

std::vector<Step> AgentSync::Unchanged(const std::string& state_digest) {
  if (phase_ != Phase::kOpen || !drained()) return {};
  v1::AgentMessage message;
  message.mutable_heartbeat()->set_state(state_digest);
  return {step::Send{message}};
}

std::vector<Step> AgentSync::Renew(const std::string& request) {
  if (phase_ != Phase::kOpen || certificate_wanted_) return {};
  certificate_wanted_ = true;
  v1::AgentMessage message;
  message.mutable_renewal()->set_request(request);
  return {step::Send{message}};
}

std::vector<Step> AgentSync::ProtocolError(const std::string& what) {
  return End("protocol error: the controller " + what, false);
}

std::vector<Step> AgentSync::End(const std::string& reason, bool soon) {
  phase_ = Phase::kClosed;
  return {step::Close{reason, soon}};
}

std::vector<Step> AgentSync::Fill() {
  if (asked_ || phase_ != Phase::kOpen || in_flight_.size() >= kWindow ||
      sent_ + 1 >= next_seq_)
    return {};
  asked_ = true;
  return {step::SendRecord{sent_}};
}

AgentSync::InFlight* AgentSync::Find(uint64_t seq) {
  const auto found = std::ranges::find(in_flight_, seq, &InFlight::seq);
  return found == in_flight_.end() ? nullptr : &*found;
}

}  // namespace metsuke
