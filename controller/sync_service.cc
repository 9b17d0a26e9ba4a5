#include "controller/sync_service.h"

#include <fmt/format.h>

#include <utility>

#include "controller/gate.h"
#include "controller/sync_stream.h"
#include "proto/grpc_tls.h"
#include "proto/log.h"

namespace metsuke {
namespace {

// A stream that is refused before it began.
class Refused
    : public grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
 public:
  explicit Refused(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

SyncService::SyncService(Store& store, uint32_t interval_seconds, Renew renew)
    : store_(store),
      interval_seconds_(interval_seconds),
      renew_(std::move(renew)) {}

SyncService::~SyncService() = default;

grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>*
SyncService::Sync(grpc::CallbackServerContext* context) {
  auto identity = PeerIdentity(*context->auth_context());
  if (!identity.ok()) return new Refused(identity.status());
  return new SyncStream(*this, *context, *std::move(identity));
}

void SyncService::Enter(const std::string& host, SyncStream* stream) {
  const std::lock_guard lock(mutex_);
  SyncStream*& entry = streams_[host];
  if (entry != nullptr) {
    Log(Priority::kNotice,
        fmt::format("host {} opened a stream at {} while it had one at {}; the "
                    "older one is ended",
                    host, stream->peer(), entry->peer()));
    entry->Cancel();
  }
  entry = stream;
}

void SyncService::Leave(const std::string& host, SyncStream* stream) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(host);
  if (found != streams_.end() && found->second == stream) streams_.erase(found);
}

void SyncService::Drop(const std::string& host) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(host);
  if (found != streams_.end()) found->second->Cancel();
}

void SyncService::DropAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& [host, stream] : streams_) stream->Cancel();
}

size_t SyncService::streams() {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace metsuke
