// The operators' call that knocks at SSH servers.

#include <fmt/format.h>

#include <mutex>

#include "controller/judge/network.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/outside.h"
#include "controller/store/body.h"
#include "controller/tasks.h"
#include "proto/canonical.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Hosts that are asked at once.
constexpr int kThreads = 16;
constexpr char kTable[] = "ssh_endpoints_outside";

absl::StatusOr<v1::Snapshot> ReadTables(Store& store,
                                        const TableDigests& tables) {
  v1::Snapshot seen;
  for (const char* table : {"ssh_access", "ssh_endpoints", "interfaces"}) {
    const auto digest = tables.find(table);
    if (digest == tables.end()) continue;
    ASSIGN_OR_RETURN(const std::string bytes, store.Body(digest->second));
    if (!seen.MergeFromString(bytes))
      return absl::DataLossError("the stored rows cannot be read");
  }
  return seen;
}

// Rows of ssh_endpoints_outside.
absl::StatusOr<v1::Snapshot> Knock(const v1::Snapshot& seen,
                                   const std::string& address) {
  const auto targets = OutsideTargets(seen, address);
  if (targets.empty())
    return absl::FailedPreconditionError(
        "no SSH server is known that another host could reach");
  v1::Snapshot rows;
  for (const ProbeTarget& target : targets) {
    ASSIGN_OR_RETURN(const v1::Snapshot answers, RunProbe(target));
    rows.mutable_ssh_endpoints_outside()->MergeFrom(answers.ssh_endpoints());
  }
  return rows;
}

absl::Status ProbeHost(Store& store, const std::string& id,
                       const TableDigests& tables, const std::string& address,
                       v1::ProbedHost& probed) {
  ASSIGN_OR_RETURN(const v1::Snapshot seen, ReadTables(store, tables));
  ASSIGN_OR_RETURN(const v1::Snapshot rows, Knock(seen, address));
  *probed.mutable_endpoints() = rows.ssh_endpoints_outside();
  return store.Observe(
      {id,
       Now(),
       {MakeBody(kTable, CanonicalTable(rows, TableField(kTable)))}});
}

// Why the request makes no sense; OK when it does.
absl::Status Check(const v1::ProbeRequest& request) {
  if (request.address().empty()) return absl::OkStatus();
  if (request.host().empty())
    return absl::InvalidArgumentError(
        "an address is one host's: name the host");
  const auto address = ParseNetwork(request.address());
  if (!address || request.address().find('/') != std::string::npos)
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no IP address", request.address()));
  return absl::OkStatus();
}

}  // namespace

grpc::Status OperatorService::ProbeSsh(
    grpc::ServerContext* context, const v1::ProbeRequest* request,
    grpc::ServerWriter<v1::ProbeReply>* writer) {
  if (const absl::Status status = Check(*request); !status.ok())
    return ToGrpc(status);
  const absl::StatusOr<Fleet> fleet =
      store_.ReadFleet({request->selector(), request->host()}, 0);
  if (!fleet.ok()) return ToGrpc(fleet.status());
  Log(Priority::kNotice,
      fmt::format("operator {} knocks at the SSH servers of {} hosts",
                  Caller(*context), fleet->hosts.size()));
  std::mutex writing;
  Tasks tasks(kThreads);
  for (const FleetHost& host : fleet->hosts)
    tasks.Add([&, &host = host] {
      if (context->IsCancelled()) return;
      v1::ProbeReply reply;
      v1::ProbedHost& probed = *reply.add_hosts();
      probed.set_id(host.entry.id());
      probed.set_host(host.entry.host());
      const TableDigests none;
      const TableDigests& tables =
          host.state < 0 ? none : fleet->states[host.state].tables;
      const absl::Status status = ProbeHost(store_, host.entry.id(), tables,
                                            request->address(), probed);
      if (!status.ok()) probed.set_error(Message(status));
      const std::lock_guard lock(writing);
      writer->Write(reply);
    });
  return grpc::Status::OK;
}

}  // namespace metsuke
