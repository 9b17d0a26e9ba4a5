// Operators' call for the fleet in numbers.

#include "controller/measure_fleet.h"
#include "controller/operator.h"
#include "controller/operator_call.h"

namespace metsuke {
namespace {

// Well below what a message may have.
constexpr size_t kPieceBytes = 256 << 10;

}  // namespace

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
  const std::string text = MetricsText(*fleet);
  for (size_t at = 0; at < text.size(); at += kPieceBytes) {
    v1::MetricsReply reply;
    reply.set_piece(text.substr(at, kPieceBytes));
    if (!writer->Write(reply)) break;
  }
  return grpc::Status::OK;
}

}  // namespace metsuke
