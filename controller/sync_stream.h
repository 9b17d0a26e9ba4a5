// One open Sync stream as gRPC drives it.

#ifndef METSUKE_CONTROLLER_SYNC_STREAM_H_
#define METSUKE_CONTROLLER_SYNC_STREAM_H_

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "controller/sync.h"
#include "controller/sync_service.h"
#include "proto/identity.h"

namespace metsuke {

// Deletes itself when gRPC is done with it. At any moment it either reads or
// waits for one answer, so an answer always finds it alive; it ends when it
// does neither and all writes are out.
class SyncStream
    : public grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
 public:
  SyncStream(SyncService& service, grpc::CallbackServerContext& context,
             Identity identity);

  // Ends the stream soon; any thread.
  void Cancel() { context_.TryCancel(); }
  const std::string& peer() const { return peer_; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  // All of these are called with mutex_ held.
  void Apply(ControllerSync::Output output);
  void Emit(ControllerSync::Output& output);
  void Forward(ControllerSync::Ask ask);
  // Of records that the store has as lost.
  void TellLosses(const std::vector<v1::Loss>& losses);
  void CountHeld();
  void Write();
  void End(grpc::Status status);
  void FinishIfIdle();

  // Runs `step`, which makes an Output, on a thread of the service.
  template <typename Step>
  void Later(Step step);

  SyncService& service_;
  grpc::CallbackServerContext& context_;
  const Identity identity_;
  const std::string peer_;

  std::mutex mutex_;
  ControllerSync machine_;
  v1::AgentMessage incoming_;
  std::deque<v1::ControllerMessage> outgoing_;  // the first is being written
  uint64_t messages_ = 0;
  int refusals_ = 0;
  int losses_ = 0;
  int64_t held_bytes_ = 0;  // as counted in the service
  bool reading_ = false;
  bool waiting_ = false;  // for an answer
  bool ending_ = false;
  bool finished_ = false;
  grpc::Status end_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SYNC_STREAM_H_
