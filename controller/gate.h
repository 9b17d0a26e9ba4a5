// Who may call what: decided before any handler runs, from one table that is
// made of the method option `role` of the services' descriptors. What is not in
// the table may be called by nobody.

#ifndef METSUKE_CONTROLLER_GATE_H_
#define METSUKE_CONTROLLER_GATE_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace metsuke {

class Gate : public grpc::AuthMetadataProcessor {
 public:
  // FailedPrecondition when a method of `services` has no role or one that no
  // certificate can have: the program must then not start.
  static absl::StatusOr<std::shared_ptr<Gate>> Make(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services);

  // OK when a peer with this role may call `path`, "/package.Service/Method".
  absl::Status Check(std::string_view path, std::string_view role) const;

  // It looks at memory only, so gRPC need not give it a thread.
  bool IsBlocking() const override { return false; }

  // Called by gRPC for each call: refuses peers without a valid identity of the
  // fleet as UNAUTHENTICATED and those of another role as PERMISSION_DENIED.
  // Both are logged.
  grpc::Status Process(const InputMetadata& metadata,
                       grpc::AuthContext* context, OutputMetadata* consumed,
                       OutputMetadata* response) override;

 private:
  Gate() = default;
  std::map<std::string, std::string, std::less<>> roles_;  // by path
};

// Every service of this build.
std::vector<const google::protobuf::ServiceDescriptor*> AllServices();

// `status` in gRPC's type.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_GATE_H_
