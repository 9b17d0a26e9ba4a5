#include "controller/sync_stream.h"

#include <fmt/format.h>

#include <ctime>
#include <memory>
#include <utility>

#include "controller/gate.h"
#include "proto/address.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Messages after which the certificate is held against the clock again.
constexpr uint64_t kCheckEvery = 64;

// Refusals and notes on one stream; each is a line in the log, and the peer chooses
// their number.
constexpr int kMaxRefusals = 256;

int64_t Now() { return std::time(nullptr); }

}  // namespace

SyncStream::SyncStream(SyncService& service,
                       grpc::CallbackServerContext& context, Identity identity)
    : service_(service),
      context_(context),
      identity_(std::move(identity)),
      peer_(enc::Log(HostText(context.peer()))),
      machine_(identity_.name, service.interval_seconds_) {
  service_.Enter(identity_.name, this);
  const std::lock_guard lock(mutex_);
  reading_ = true;
  StartRead(&incoming_);
}

void SyncStream::OnReadDone(bool ok) {
  const std::lock_guard lock(mutex_);
  reading_ = false;
  if (!ok) return End(grpc::Status::OK);
  if (++messages_ % kCheckEvery == 0) {
    const absl::Status valid = CheckTime(identity_, Now());
    if (!valid.ok())
      return End(ToGrpc(absl::UnauthenticatedError(Message(valid))));
  }
  if (incoming_.has_body() && service_.held_bytes_ > kMaxHeldByAll) {
    ControllerSync::Output output =
        machine_.Abandon("the controller has no memory to spare");
    Emit(output);
  }
  Apply(machine_.Receive(std::move(incoming_), Now()));
}

// Does what the machine says until it waits for a message or an answer.
void SyncStream::Apply(ControllerSync::Output output) {
  while (true) {
    Emit(output);
    CountHeld();
    if (!output.end.ok()) return End(ToGrpc(output.end));
    if (refusals_ > kMaxRefusals)
      return End(ToGrpc(absl::ResourceExhaustedError(
          "too many messages of this stream were refused")));
    const auto* lookup = std::get_if<ControllerSync::Lookup>(&output.ask);
    if (lookup == nullptr) break;
    output =
        machine_.Looked(service_.store_.Missing(identity_.name, lookup->state));
  }
  if (!std::holds_alternative<std::monostate>(output.ask))
    return Forward(std::move(output.ask));
  if (ending_) return FinishIfIdle();
  incoming_.Clear();
  reading_ = true;
  StartRead(&incoming_);
}

void SyncStream::Emit(ControllerSync::Output& output) {
  for (v1::ControllerMessage& message : output.send) {
    // The reason has passed an encoder where it was made.
    if (message.has_refusal() && ++refusals_ <= kMaxRefusals)
      Log(Priority::kWarning,
          fmt::format("refused record {} of host {} at {}: {}",
                      message.refusal().seq(), identity_.name, peer_,
                      message.refusal().reason()));
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) Write();
  }
  output.send.clear();
  if (!output.note.empty() && ++refusals_ <= kMaxRefusals)
    LogNotice(
        {kAgentNewer, identity_.name}, Priority::kWarning,
        fmt::format("host {} at {}: {}", identity_.name, peer_, output.note));
  output.note.clear();
  if (output.touch) service_.store_.Touch(identity_.name, Now());
}

template <typename Step>
void SyncStream::Later(Step step) {
  service_.tasks_.Add([this, step = std::move(step)] {
    const std::lock_guard lock(mutex_);
    waiting_ = false;
    Apply(step());
  });
}

void SyncStream::Forward(ControllerSync::Ask ask) {
  waiting_ = true;
  if (auto* contact = std::get_if<Contact>(&ask)) {
    contact->address = GrpcPeerAddress(context_.peer());
    service_.store_.Connect(*contact,
                            [this](absl::StatusOr<Standing> standing) {
                              Later([this, standing = std::move(standing)] {
                                return machine_.Connected(standing);
                              });
                            });
  } else if (auto* update = std::get_if<HostUpdate>(&ask)) {
    auto losses = update->losses;
    service_.store_.Commit(
        std::move(*update),
        [this, losses = std::move(losses)](absl::Status status) {
          Later([this, losses, status = std::move(status)] {
            if (status.ok()) TellLosses(losses);
            return machine_.Committed(status, Now());
          });
        });
  } else if (const auto* renewal = std::get_if<v1::Renewal>(&ask)) {
    service_.renewals_.Add([this, request = renewal->request()] {
      absl::StatusOr<std::string> chain = absl::UnimplementedError(
          "this controller has no authority; renew at one that has");
      if (service_.renew_) chain = service_.renew_(identity_.name, request);
      Later(
          [this, chain = std::move(chain)] { return machine_.Renewed(chain); });
    });
  }
}

void SyncStream::TellLosses(const std::vector<v1::Loss>& losses) {
  for (const v1::Loss& loss : losses)
    if (++losses_ <= kMaxRefusals)
      LogNotice({kHostLostRecords, identity_.name}, Priority::kWarning,
                fmt::format("host {} lost the records {} to {}: {}",
                            identity_.name, loss.from(), loss.to(),
                            enc::Log(HostText(loss.reason()))));
}

void SyncStream::CountHeld() {
  const auto held = static_cast<int64_t>(machine_.held_bytes());
  service_.held_bytes_ += held - held_bytes_;
  held_bytes_ = held;
}

void SyncStream::Write() {
  if (!finished_) StartWrite(&outgoing_.front());
}

void SyncStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  outgoing_.pop_front();
  if (!ok) {
    // Nothing reaches the agent any more; the read ends by itself.
    outgoing_.clear();
    ending_ = true;
  }
  if (!outgoing_.empty()) return Write();
  FinishIfIdle();
}

void SyncStream::End(grpc::Status status) {
  if (!ending_) end_ = std::move(status);
  ending_ = true;
  if (!end_.ok())
    Log(Priority::kWarning,
        fmt::format("ended the stream of host {} at {}: {}", identity_.name,
                    peer_, enc::Log(HostText(end_.error_message()))));
  FinishIfIdle();
}

void SyncStream::FinishIfIdle() {
  if (!ending_ || finished_ || reading_ || waiting_ || !outgoing_.empty())
    return;
  finished_ = true;
  Finish(end_);
}

void SyncStream::OnDone() {
  // Whoever called Finish may not have let go of the lock.
  { const std::lock_guard lock(mutex_); }
  service_.held_bytes_ -= held_bytes_;
  service_.Leave(identity_.name, this);
  delete this;
}

}  // namespace metsuke
