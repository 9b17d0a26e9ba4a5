// Operators' call for the fleet in numbers.

#include "controller/measure_fleet.h"
#include "controller/operator.h"
#include "controller/operator_call.h"

namespace metsuke {
grpc::Status OperatorService::Metrics(
    grpc::ServerContext*, const v1::MetricsRequest*,
    grpc::ServerWriter<v1::MetricsReply>* writer) {
  const auto judge = baseline_.judge();
  const auto fleet = MeasureFleet({.store = store_,
                                   .registers = registers_,
                                   .judge = judge.get(),
                                   .interval = options_.interval_seconds,
                                   .certificate_until = options_.certificate_until},
                                  Now());
  if (!fleet.ok()) return ToGrpc(fleet.status());
  WritePieces(writer, MetricsText(*fleet));
  return grpc::Status::OK;
}

}  // namespace metsuke
