// The operators' call that knocks at SSH servers.

#include <fmt/format.h>

#include <mutex>

#include "controller/judge/network.h"
#include "controller/knocker.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/tasks.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Hosts that are asked at once.
constexpr int kThreads = 16;

constexpr char kOwn[] = "own";

// Fills `probed` with what the host's servers answered, and with why some were
// not asked.
absl::Status ProbeHost(Knocker& knocker, FleetHost host,
                       const TableDigests& tables, bool anyway,
                       v1::ProbedHost& probed) {
  if (host.state < 0)
    return absl::FailedPreconditionError(
        "it has not told yet where its SSH servers listen");
  ASSIGN_OR_RETURN(Visit visit, knocker.Plan(std::move(host), tables));
  if (const int64_t wait = knocker.Reserve(visit, Now(), anyway); wait > 0)
    return absl::FailedPreconditionError(fmt::format(
        "not asked: more than {} attempts within ten minutes may have it shut "
        "the controller out; ask again in {} s, or with --anyway",
        kMostCounted, wait));
  ASSIGN_OR_RETURN(const v1::Snapshot rows,
                   knocker.Knock(std::move(visit), Now()));
  *probed.mutable_endpoints() = rows.ssh_endpoints_outside();
  std::string why;
  for (const v1::Gap& gap : rows.gaps_outside())
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", gap.subject(),
                       gap.reason());
  if (!why.empty()) return absl::UnavailableError(why);
  if (rows.ssh_endpoints_outside().empty())
    return absl::FailedPreconditionError(
        "no SSH server is known that another host could reach");
  return absl::OkStatus();
}

// Why the request makes no sense; OK when it does.
absl::Status Check(const v1::ProbeRequest& request) {
  if (request.address().empty()) return absl::OkStatus();
  if (request.host().empty())
    return absl::InvalidArgumentError(
        "an address is one host's: name the host");
  if (request.address() == kOwn) return absl::OkStatus();
  const auto address = ParseNetwork(request.address());
  if (!address || request.address().find('/') != std::string::npos)
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is no IP address, nor '{}'", request.address(), kOwn));
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
    tasks.Add([&, host = host]() mutable {
      if (context->IsCancelled()) return;
      if (!request->address().empty())
        host.knock_address =
            request->address() == kOwn ? "" : request->address();
      v1::ProbeReply reply;
      v1::ProbedHost& probed = *reply.add_hosts();
      probed.set_id(host.entry.id());
      probed.set_host(host.entry.host());
      const TableDigests none;
      const TableDigests& tables =
          host.state < 0 ? none : fleet->states[host.state]->tables;
      const absl::Status status = ProbeHost(
          knocker_, std::move(host), tables, request->anyway(), probed);
      if (!status.ok()) probed.set_error(Message(status));
      const std::lock_guard lock(writing);
      writer->Write(reply);
    });
  return grpc::Status::OK;
}

}  // namespace metsuke
