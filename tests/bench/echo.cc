#include "echo.h"

#include <chrono>

#include "proto/grpc_tls.h"

namespace metsuke {
namespace {

class Stream : public grpc::ServerGenericBidiReactor {
 public:
  explicit Stream(bool sink) : sink_(sink) { StartRead(&message_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    if (sink_ && message_.Length() != kAnsweredBytes)
      return StartRead(&message_);
    StartWrite(&message_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  const bool sink_;
  grpc::ByteBuffer message_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Echo>> Echo::Start(const Credential& own) {
  auto echo = std::make_unique<Echo>();
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", ServerTls(own), &echo->port_);
  builder.RegisterCallbackGenericService(echo.get());
  echo->server_ = builder.BuildAndStart();
  if (echo->server_ == nullptr)
    return absl::InternalError("gRPC: the echo does not start");
  return echo;
}

Echo::~Echo() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  server_->Wait();
}

grpc::ServerGenericBidiReactor* Echo::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return new Stream(context->method() == kSink);
}

}  // namespace metsuke
