#include "controller/gate.h"

#include <fmt/format.h>

#include "proto/encode.h"
#include "proto/grpc_tls.h"
#include "proto/log.h"
#include "proto/operator.pb.h"
#include "proto/options.pb.h"
#include "proto/status.h"
#include "proto/sync.pb.h"
#include "proto/utf8.h"
#include "proto/version.h"

namespace metsuke {

std::vector<const google::protobuf::ServiceDescriptor*> AllServices() {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const auto* file : {v1::Hello::descriptor()->file(),
                           v1::HostsRequest::descriptor()->file()})
    for (int i = 0; i < file->service_count(); ++i)
      services.push_back(file->service(i));
  return services;
}

grpc::Status ToGrpc(const absl::Status& status) {
  // A trailer holds some kilobytes; what is cut off of a long list of errors
  // comes back when the first of them are mended.
  constexpr size_t kMost = 6000;
  std::string message = Message(status);
  if (message.size() > kMost) message = ToUtf8(message.substr(0, kMost)) + " …";
  // The codes of both are the canonical ones.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message);
}

absl::StatusOr<std::shared_ptr<Gate>> Gate::Make(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  std::shared_ptr<Gate> gate(new Gate);
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      const std::string& role = method->options().GetExtension(v1::role);
      if (role != "host" && role != "operator")
        return absl::FailedPreconditionError(fmt::format(
            "{}: its option `role` is \"{}\"; it must be host or operator",
            method->full_name(), role));
      gate->roles_.emplace(
          fmt::format("/{}/{}", service->full_name(), method->name()), role);
    }
  }
  return gate;
}

absl::Status Gate::Check(std::string_view path, std::string_view role) const {
  const auto found = roles_.find(path);
  if (found == roles_.end())
    return absl::PermissionDeniedError(fmt::format(
        "this controller ({}) knows no such call; whoever makes it is newer: "
        "upgrade metsuke-controller",
        kVersion));
  if (found->second != role)
    return absl::PermissionDeniedError(fmt::format(
        "a certificate of the role {} may not make this call, it is for the "
        "role {}",
        role, found->second));
  return absl::OkStatus();
}

grpc::Status Gate::Process(const InputMetadata& metadata,
                           grpc::AuthContext* context, OutputMetadata*,
                           OutputMetadata*) {
  // gRPC hands the pseudo-header of HTTP/2 over with the other metadata.
  const auto header = metadata.find(":path");
  const std::string path =
      header == metadata.end()
          ? ""
          : std::string(header->second.data(), header->second.size());
  const auto identity = PeerIdentity(*context);
  const absl::Status status =
      identity.ok() ? Check(path, identity->role) : identity.status();
  if (status.ok()) return grpc::Status::OK;
  Log(Priority::kWarning,
      fmt::format("refused {} to {}: {}", enc::Log(HostText(path)),
                  identity.ok() ? SpiffeId(identity->role, identity->name)
                                : "an unknown peer",
                  Message(status)));
  return ToGrpc(status);
}

}  // namespace metsuke
