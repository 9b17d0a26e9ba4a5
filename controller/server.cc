#include "controller/server.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <utility>

#include "controller/gate.h"
#include "controller/report/calendar.h"
#include "proto/address.h"
#include "proto/encode.h"
#include "proto/grpc_tls.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

constexpr int kMaxMessageBytes = 1 << 20;
// A peer that opens a connection and then says nothing is let go of.
constexpr int kHandshakeMilliseconds = 4000;
constexpr int kIdleMilliseconds = 300000;
// A dead peer is noticed within their sum.
constexpr int kKeepaliveMilliseconds = 30000;
constexpr int kKeepaliveTimeoutMilliseconds = 15000;
constexpr std::chrono::seconds kGrace(2);

// Tells the listener which connection brought a call that the gate let in. Who
// is at its other end is known from the first metadata on, not before.
class VouchOne : public grpc::experimental::Interceptor {
 public:
  VouchOne(const std::atomic<Listener*>& listener,
           grpc::experimental::ServerRpcInfo* info)
      : listener_(listener), info_(info) {}

  void Intercept(
      grpc::experimental::InterceptorBatchMethods* methods) override {
    using grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::POST_RECV_INITIAL_METADATA))
      if (Listener* listener = listener_.load())
        listener->Proven(info_->server_context()->peer());
    methods->Proceed();
  }

 private:
  const std::atomic<Listener*>& listener_;
  grpc::experimental::ServerRpcInfo* const info_;
};

class Vouch : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Vouch(const std::atomic<Listener*>& listener)
      : listener_(listener) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new VouchOne(listener_, info);  // gRPC's to delete
  }

 private:
  const std::atomic<Listener*>& listener_;
};

// What gRPC itself has to say, such as why a handshake failed, in our form.
void LogOfGrpc(gpr_log_func_args* args) {
  if (args->severity < GPR_LOG_SEVERITY_ERROR) return;
  Log(Priority::kWarning,
      "gRPC: " + enc::Log(HostText(std::string(args->message))));
}

void AddArguments(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             kHandshakeMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             kIdleMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 16);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                             kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             kKeepaliveTimeoutMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Agents ping, too.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
}

}  // namespace

absl::StatusOr<v1::ControllerConfig> ReadControllerConfig(
    const std::string& name, const std::string& yaml) {
  v1::ControllerConfig config;
  RETURN_IF_ERROR(ReadYaml(name, yaml, config));
  for (const auto& [key, value] : {std::pair("listen", config.listen()),
                                   {"state", config.state()},
                                   {"certificate", config.certificate()},
                                   {"key", config.key()},
                                   {"root", config.root()}})
    if (value.empty())
      return absl::InvalidArgumentError(
          fmt::format("{}: {} must be given", name, key));
  if (config.interval_seconds() == 0) config.set_interval_seconds(300);
  if (config.max_connections() == 0) config.set_max_connections(10000);
  if (config.max_connections_per_address() == 0)
    config.set_max_connections_per_address(1000);
  if (config.history_days() == 0) config.set_history_days(400);
  if (config.waiver_days_max() == 0) config.set_waiver_days_max(90);
  if (config.report_time().empty()) config.set_report_time("06:00");
  RETURN_IF_ERROR(
      Annotate(ParseTimeOfDay(config.report_time()).status(),
               name + ": report_time"));
  if (!config.metrics_file().empty() &&
      !(config.metrics_file().starts_with('/') &&
        config.metrics_file().ends_with(".prom")))
    return absl::InvalidArgumentError(
        name +
        ": metrics_file: write the whole path, /FOLDER/NAME.prom; "
        "node_exporter reads no other names");
  return config;
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const v1::ControllerConfig& config, const Credential& own,
    const ServerParts& parts) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Gate> gate, Gate::Make(AllServices()));
  auto credentials = ServerTls(own);
  credentials->SetAuthMetadataProcessor(gate);
  std::unique_ptr<Server> server(new Server(parts.sync));

  gpr_set_log_function(LogOfGrpc);
  grpc::ServerBuilder builder;
  AddArguments(builder);
  std::vector<
      std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(std::make_unique<Vouch>(server->vouching_));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  server->door_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      std::move(credentials));
  builder.RegisterService(parts.sync);
  for (grpc::Service* service : parts.services)
    builder.RegisterService(service);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr)
    return absl::InternalError("gRPC: the server does not start");

  ASSIGN_OR_RETURN(const int listening, ListenTcp(config.listen()));
  server->port_ = ListeningPort(listening);
  server->listener_ = std::make_unique<Listener>(
      listening,
      ListenerLimits{config.max_connections(),
                     config.max_connections_per_address()},
      [door = server->door_.get()](int fd) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
            parameters;
        parameters.fd = fd;
        door->HandleNewConnection(&parameters);
      });
  server->vouching_ = server->listener_.get();
  return server;
}

Server::~Server() {
  if (server_ == nullptr) return;
  vouching_ = nullptr;
  // A connection must not be handed to a server that has been shut down.
  if (listener_ != nullptr) listener_->Stop();
  // Agents' streams have no end of their own to wait for; calls of operators
  // have.
  sync_->DropAll();
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
}

}  // namespace metsuke
