// Operators' calls about hosts as such.

#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/silence.h"
#include "proto/encode.h"
#include "proto/log.h"

namespace metsuke {

bool OperatorService::Stale(int64_t last_seen, int64_t now) const {
  return IsSilent(last_seen, now, options_.interval_seconds);
}

grpc::Status OperatorService::ListHosts(
    grpc::ServerContext*, const v1::HostsRequest* request,
    grpc::ServerWriter<v1::HostsReply>* writer) {
  const int64_t now = Now();
  const absl::StatusOr<Fleet> fleet =
      store_.ReadFleet({request->selector(), request->host()}, 0);
  if (!fleet.ok()) return ToGrpc(fleet.status());
  Batches<v1::HostsReply> batches(writer);
  for (const FleetHost& host : fleet->hosts) {
    v1::HostEntry& entry = *batches.Next().add_hosts();
    entry = host.entry;
    entry.set_stale(Stale(entry.last_seen(), now));
  }
  batches.Flush();
  return grpc::Status::OK;
}

grpc::Status OperatorService::History(
    grpc::ServerContext*, const v1::HistoryRequest* request,
    grpc::ServerWriter<v1::HistoryReply>* writer) {
  const auto host = store_.FindHost(request->host());
  if (!host.ok()) return ToGrpc(host.status());
  const auto history = store_.History(host->id());
  if (!history.ok()) return ToGrpc(history.status());
  Batches<v1::HistoryReply> batches(writer);
  for (const v1::LossEntry& loss : history->losses())
    *batches.Next().add_losses() = loss;
  for (const v1::Span& span : history->spans())
    *batches.Next().add_spans() = span;
  for (const v1::Silence& silence : history->silences())
    *batches.Next().add_silences() = silence;
  batches.Flush();
  return grpc::Status::OK;
}

grpc::Status OperatorService::LabelHost(grpc::ServerContext* context,
                                        const v1::LabelRequest* request,
                                        v1::LabelReply* reply) {
  const auto host = store_.FindHost(request->host());
  if (!host.ok()) return ToGrpc(host.status());
  const auto labels =
      store_.SetLabels({host->id(),
                        {request->set().begin(), request->set().end()},
                        {request->remove().begin(), request->remove().end()}},
                       Caller(*context), Now());
  if (!labels.ok()) return ToGrpc(labels.status());
  reply->mutable_labels()->Assign(labels->begin(), labels->end());
  return grpc::Status::OK;
}

grpc::Status OperatorService::RemoveHost(grpc::ServerContext* context,
                                         const v1::RemoveRequest* request,
                                         v1::RemoveReply* reply) {
  const auto host = store_.FindHost(request->host());
  if (!host.ok()) return ToGrpc(host.status());
  const absl::Status removed = store_.RemoveHost(host->id(), Now());
  if (!removed.ok()) return ToGrpc(removed);
  if (options_.removed) options_.removed(host->id());
  Log(Priority::kNotice, "operator " + Caller(*context) + " removed host " +
                             host->id() + " (" +
                             enc::Log(HostText(host->host())) + ")");
  reply->set_id(host->id());
  return grpc::Status::OK;
}

}  // namespace metsuke
