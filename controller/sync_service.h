// The Sync service: carries messages between gRPC, one ControllerSync per
// stream, and the store. An idle stream costs its memory and no thread.

#ifndef METSUKE_CONTROLLER_SYNC_SERVICE_H_
#define METSUKE_CONTROLLER_SYNC_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "controller/store/store.h"
#include "controller/tasks.h"
#include "proto/sync.grpc.pb.h"

namespace metsuke {

class SyncStream;

// Bytes of bodies that all streams together may hold.
inline constexpr int64_t kMaxHeldByAll = 512 << 20;

class SyncService : public v1::Sync::CallbackService {
 public:
  // Asks the authority for a certificate: host and request in, chain out. It
  // may take seconds. Unset when there is no authority.
  using Renew = std::function<absl::StatusOr<std::string>(
      const std::string& host, const std::string& request)>;

  // `store` must outlive it; agents are told `interval_seconds`.
  SyncService(Store& store, uint32_t interval_seconds, Renew renew);
  // The server must have been shut down: no stream is left.
  ~SyncService() override;

  grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* Sync(
      grpc::CallbackServerContext* context) override;

  // Ends the stream of this host, if it has one; for a host that was removed.
  void Drop(const std::string& host);

  // Ends all streams; for the end of the server.
  void DropAll();

  // Hosts that have a stream.
  size_t streams();

 private:
  friend class SyncStream;

  // A newer stream of a host ends the older one.
  void Enter(const std::string& host, SyncStream* stream);
  void Leave(const std::string& host, SyncStream* stream);

  Store& store_;
  const uint32_t interval_seconds_;
  const Renew renew_;
  std::atomic<int64_t> held_bytes_ = 0;
  std::mutex mutex_;
  std::map<std::string, SyncStream*> streams_;  // guarded by mutex_
  Tasks tasks_{2};
  Tasks renewals_{1};  // apart, because they wait for another program
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SYNC_SERVICE_H_
