// One Sync stream to the controller over mutual TLS. What happens on it goes to
// a mailbox; nothing here decides anything.

#ifndef METSUKE_AGENT_STREAM_H_
#define METSUKE_AGENT_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "agent/mailbox.h"
#include "proto/sync.grpc.pb.h"
#include "proto/sync.pb.h"
#include "proto/tls.h"

namespace metsuke {

// A channel to the controller at `address`. Each has a connection of its own,
// which is given up after 40 seconds of silence.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const Credential& own);

class Stream
    : public grpc::ClientBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
 public:
  // Begins to connect. `mailbox` must outlive the stream.
  Stream(std::shared_ptr<grpc::Channel> channel, Mailbox& mailbox);
  // Cancels it if it is not over, and waits until nobody uses it any more.
  ~Stream() override;

  // Sends a message; not to be called again before event::Written.
  void Write(v1::AgentMessage message);
  // Whether Write may be called.
  bool can_write() const { return !writing_; }
  // To be called for event::Written.
  void Written() { writing_ = false; }
  // Lets the next message come.
  void ReadNext();

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Sync::Stub> stub_;
  Mailbox& mailbox_;
  grpc::ClientContext context_;
  v1::AgentMessage out_;
  v1::ControllerMessage in_;
  bool writing_ = false;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool reading_ = false;  // a read is under way
  bool closing_ = false;
  bool over_ = false;     // nothing may be started any more
  bool done_ = false;     // gRPC will not call any more
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_STREAM_H_
