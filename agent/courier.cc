#include "agent/courier.h"

#include <utility>

#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {

void Courier::Connected(int64_t now) {
  Disconnected();
  Do(sync_.Connected(spool_.stream(), spool_.first_seq(), spool_.next_seq()),
     now);
}

void Courier::Disconnected() {
  sync_.Disconnected();
  waiting_.clear();
  reader_.reset();
}

void Courier::Received(const v1::ControllerMessage& message, int64_t now) {
  const bool was_open = open();
  Do(sync_.Received(message), now);
  if (!was_open && open()) orders_.welcomed = true;
  if (message.has_ack() && open()) orders_.acknowledged = message.ack().seq();
}

void Courier::Unchanged(int64_t now) {
  if (spool_.current())
    Do(sync_.Unchanged(StateDigest(*spool_.current())), now);
}

bool Courier::RecordCurrent(int64_t now) {
  if (!spool_.current()) return false;
  const v1::State state = *spool_.current();
  const absl::StatusOr<uint64_t> seq = spool_.Append(state, {}, now);
  if (!seq.ok()) {
    orders_.notes.push_back("record the state once more: " +
                            Message(seq.status()));
    spool_.ForgetCurrent();
  }
  Recorded(now);  // a Loss, when it is not the state
  return seq.ok();
}

std::optional<v1::AgentMessage> Courier::NextMessage(int64_t now) {
  while (!waiting_.empty()) {
    if (auto* message = std::get_if<v1::AgentMessage>(&waiting_.front())) {
      v1::AgentMessage next = std::move(*message);
      waiting_.pop_front();
      return next;
    }
    const step::SendBody body = std::get<step::SendBody>(waiting_.front());
    if (auto part = NextPart(body, now)) return part;
  }
  return std::nullopt;
}

absl::StatusOr<std::string> Courier::ReadPart(const std::string& digest) {
  if (!reader_) {
    ASSIGN_OR_RETURN(BodyReader reader, spool_.ReadBody(digest));
    reader_.emplace(std::move(reader));
  }
  return reader_->Part(kBodyPart);
}

std::optional<v1::AgentMessage> Courier::NextPart(const step::SendBody& body,
                                                  int64_t now) {
  absl::StatusOr<std::string> bytes = ReadPart(body.digest);
  if (!bytes.ok()) {
    waiting_.pop_front();
    reader_.reset();
    Do(sync_.BodyGone(body.seq, body.table + ": " + Message(bytes.status())),
       now);
    return std::nullopt;
  }
  v1::AgentMessage message;
  v1::Body& part = *message.mutable_body();
  part.set_digest(body.digest);
  part.set_table(body.table);
  part.set_size(static_cast<uint32_t>(reader_->size()));
  part.set_zstd(*std::move(bytes));
  part.set_last(reader_->done());
  if (reader_->done()) {
    waiting_.pop_front();
    reader_.reset();
  }
  return message;
}

void Courier::Do(std::vector<Step> steps, int64_t now) {
  for (Step& step : steps)
    std::visit([&](auto& s) { Do(std::move(s), now); }, step);
}

void Courier::Do(step::Send step, int64_t) {
  waiting_.emplace_back(std::move(step.message));
}

void Courier::Do(step::SendRecord step, int64_t now) {
  Do(sync_.Give(spool_.Next(step.after, now)), now);
}

void Courier::Do(step::SendBody step, int64_t) {
  waiting_.emplace_back(std::move(step));
}

void Courier::Do(step::Free step, int64_t) {
  const absl::Status status = spool_.Free(step.seq);
  if (!status.ok())
    orders_.notes.push_back("free acknowledged records: " + Message(status));
}

void Courier::Do(step::Lose step, int64_t now) {
  spool_.Lose(step.seq, step.reason, now);
}

void Courier::Do(step::RecordCurrent, int64_t) {
  orders_.record_current = true;
}

void Courier::Do(step::BeginStream, int64_t now) {
  const absl::Status status = spool_.BeginStream(now);
  if (!status.ok())
    orders_.notes.push_back("begin a new stream: " + Message(status));
}

void Courier::Do(step::SetInterval step, int64_t) {
  orders_.interval_seconds = step.seconds;
}

void Courier::Do(step::KeepCertificate step, int64_t) {
  orders_.certificate = std::move(step.chain);
}

void Courier::Do(step::RenewalRefused step, int64_t) {
  orders_.renewal_refused = std::move(step.reason);
}

void Courier::Do(step::Note step, int64_t) {
  orders_.notes.push_back(std::move(step.text));
}

void Courier::Do(step::Close step, int64_t) {
  orders_.close = std::move(step);
  waiting_.clear();
  reader_.reset();
}

}  // namespace metsuke
