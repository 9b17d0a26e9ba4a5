// The controller's server: the accept loop, TLS, the gate and the services.

#ifndef METSUKE_CONTROLLER_SERVER_H_
#define METSUKE_CONTROLLER_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/listener.h"
#include "controller/sync_service.h"
#include "proto/config.pb.h"
#include "proto/tls.h"

namespace metsuke {

// The configuration in `yaml` with its defaults filled in. `name` is for
// errors, which are InvalidArgument.
absl::StatusOr<v1::ControllerConfig> ReadControllerConfig(
    const std::string& name, const std::string& yaml);

// What the server runs beside Sync. All of it must outlive the server.
struct ServerParts {
  SyncService* sync;
  // More services; their calls must have a role, as all have.
  std::vector<grpc::Service*> services;
};

class Server {
 public:
  // Starts serving on config.listen with the controller's credential.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const v1::ControllerConfig& config, const Credential& own,
      const ServerParts& parts);
  // Stops accepting, ends all calls and waits for them.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The port it listens on.
  int port() const { return port_; }
  Listener& listener() { return *listener_; }

 private:
  explicit Server(SyncService* sync) : sync_(sync) {}

  SyncService* const sync_;
  int port_ = 0;
  // Null while there is none; read by gRPC's threads.
  std::atomic<Listener*> vouching_ = nullptr;
  // gRPC's door for connections that the listener let in.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> door_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SERVER_H_
