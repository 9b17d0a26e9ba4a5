#include "pump.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "authority.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Bytes = grpc::ByteBuffer;
using Stub = grpc::TemplatedGenericStub<Bytes, Bytes>;

constexpr std::chrono::seconds kPatience(300);

Bytes ToBytes(const std::string& text) {
  const grpc::Slice slice(text);
  return Bytes(&slice, 1);
}

// Counts to a number; any thread.
class Counter {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_ = 0;
};

struct Counters {
  Counter welcomed, replied, done;
};

class Pump : public grpc::ClientBidiReactor<Bytes, Bytes> {
 public:
  Pump(std::shared_ptr<grpc::Channel> channel, const std::string& method,
       const Script& script, Counters& counters)
      : stub_(std::move(channel)),
        first_(ToBytes(script.first)),
        message_(ToBytes(script.message)),
        last_(ToBytes(script.last)),
        count_(script.count),
        replies_(script.replies),
        counters_(counters) {
    stub_.PrepareBidiStreamingCall(&context_, method, {}, this);
    AddHold();  // for Go
    StartRead(&incoming_);
    StartWrite(&first_);
    StartCall();
  }

  void Go() { StartWrite(&message_); }

  void OnWriteDone(bool ok) override {
    if (sent_ < 0) {  // the first message
      sent_ = 0;
      return;
    }
    if (!ok || ++sent_ > count_) return RemoveHold();
    StartWrite(sent_ < count_ ? &message_ : &last_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // Whoever waits must not wait for ever; `status` says what happened.
      if (read_ < 0) counters_.welcomed.Add();
      if (read_ < replies_) counters_.replied.Add();
      return;
    }
    if (++read_ == 0) counters_.welcomed.Add();
    if (read_ == replies_) {
      counters_.replied.Add();
      StartWritesDone();
    }
    StartRead(&incoming_);
  }

  void OnDone(const grpc::Status& status) override {
    status_ = status;
    counters_.done.Add();
  }

  // To be called when it is done.
  absl::Status Result() const {
    if (!status_.ok()) return absl::InternalError(status_.error_message());
    if (read_ != replies_)
      return absl::InternalError(
          fmt::format("{} replies instead of {}", read_, replies_));
    return absl::OkStatus();
  }

 private:
  grpc::ClientContext context_;
  Stub stub_;
  const Bytes first_, message_, last_;
  Bytes incoming_;
  const int count_, replies_;
  Counters& counters_;
  int sent_ = -1;  // after the first
  int read_ = -1;
  grpc::Status status_;
};

}  // namespace

absl::StatusOr<Cost> RunPumps(int port, const std::string& method,
                              const std::vector<Credential>& credentials,
                              const std::function<Script(int)>& script,
                              const std::function<absl::Status()>& settled) {
  Counters counters;
  std::vector<std::unique_ptr<Pump>> pumps;
  for (size_t i = 0; i < credentials.size(); ++i)
    pumps.push_back(std::make_unique<Pump>(OpenOwnChannel(port, credentials[i]),
                                           method, script(static_cast<int>(i)),
                                           counters));
  if (!counters.welcomed.WaitFor(pumps.size()))
    return absl::DeadlineExceededError("connections were not answered");
  const Stopwatch watch;
  for (const auto& pump : pumps) pump->Go();
  if (!counters.replied.WaitFor(pumps.size()))
    return absl::DeadlineExceededError("messages were not answered");
  const absl::Status stored = settled();
  const Cost cost = watch.Read();
  if (!counters.done.WaitFor(pumps.size()))
    return absl::DeadlineExceededError("streams did not end");
  RETURN_IF_ERROR(stored);
  for (const auto& pump : pumps) RETURN_IF_ERROR(pump->Result());
  return cost;
}

}  // namespace metsuke
