// A fleet's authority for one benchmark, with a running controller.

#ifndef METSUKE_TESTS_BENCH_AUTHORITY_H_
#define METSUKE_TESTS_BENCH_AUTHORITY_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/ca/authority.h"
#include "controller/server.h"
#include "controller/store/store.h"
#include "folder.h"
#include "proto/tls.h"

namespace metsuke {

class BenchAuthority {
 public:
  // Keeps its keys in a new folder below `folder`.
  static absl::StatusOr<BenchAuthority> Make(const Folder& folder);

  // A certificate of an operator or a controller.
  absl::StatusOr<Credential> Issue(const std::string& role,
                                   const std::string& name) const;
  // A certificate for a new host.
  absl::StatusOr<Credential> Enrol() const;

 private:
  BenchAuthority(std::string state, std::string out,
                 std::unique_ptr<Authority> authority)
      : state_(std::move(state)),
        out_(std::move(out)),
        authority_(std::move(authority)) {}
  std::string state_, out_;
  std::unique_ptr<Authority> authority_;
};

// The controller's server on a free port of loopback, made as the program does.
absl::StatusOr<std::unique_ptr<Server>> StartServer(
    const Credential& own, SyncService& sync,
    std::vector<grpc::Service*> services);

// A connection of its own.
std::shared_ptr<grpc::Channel> OpenOwnChannel(int port,
                                              const Credential& credential);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_AUTHORITY_H_
