#include "agent/stream.h"

#include <utility>

#include "proto/grpc_tls.h"

namespace metsuke {

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const Credential& own) {
  grpc::ChannelArguments arguments = ControllerArguments();
  // A dead peer is noticed after 20 + 20 s, also while nothing is to be said;
  // by default gRPC sends two pings and no more until there is data.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A channel of a new certificate must not find the old one's connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Retrying is ours; a controller's largest message is a certificate.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(256 << 10);
  return grpc::CreateCustomChannel(address, ClientTls(own), arguments);
}

Stream::Stream(std::shared_ptr<grpc::Channel> channel, Mailbox& mailbox)
    : channel_(std::move(channel)),
      stub_(v1::Sync::NewStub(channel_)),
      mailbox_(mailbox) {
  stub_->async()->Sync(&context_, this);
  // Operations are started from outside gRPC's callbacks; the hold keeps the
  // stream from being done between two of them.
  AddHold();
  ReadNext();
  StartCall();
}

Stream::~Stream() {
  context_.TryCancel();
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  ReadNext();  // learns of the end
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return done_; });
}

void Stream::Write(v1::AgentMessage message) {
  const std::lock_guard lock(mutex_);
  if (over_) return;
  writing_ = true;
  out_ = std::move(message);
  StartWrite(&out_);
}

void Stream::ReadNext() {
  const std::lock_guard lock(mutex_);
  if (over_ || reading_) return;
  reading_ = true;
  StartRead(&in_);
}

void Stream::OnReadDone(bool ok) {
  const std::lock_guard lock(mutex_);
  reading_ = false;
  if (ok && closing_) {
    // A message that came before the end: the end is learnt of by another read.
    reading_ = true;
    StartRead(&in_);
    return;
  }
  if (ok) {
    mailbox_.Put(event::Message{std::move(in_)});
    return;
  }
  over_ = true;
  RemoveHold();
}

void Stream::OnWriteDone(bool ok) {
  // A write that failed is followed by the end of the stream.
  if (ok) mailbox_.Put(event::Written{});
}

void Stream::OnDone(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  mailbox_.Put(event::Closed{status});
  done_ = true;
  ended_.notify_all();
}

}  // namespace metsuke
