// gRPC and nothing else: what a message costs before anything is done with it.

#ifndef METSUKE_TESTS_BENCH_ECHO_H_
#define METSUKE_TESTS_BENCH_ECHO_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "proto/tls.h"

namespace metsuke {

inline constexpr char kEcho[] = "/metsuke.bench/Echo";
inline constexpr char kSink[] = "/metsuke.bench/Sink";
// What the sink answers; it drops any message of another size.
inline constexpr size_t kAnsweredBytes = 4;

class Echo : public grpc::CallbackGenericService {
 public:
  // Serves both methods with the credentials of a controller.
  static absl::StatusOr<std::unique_ptr<Echo>> Start(const Credential& own);
  ~Echo() override;

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
  int port() const { return port_; }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_ECHO_H_
