// The controller's answers to operators (proto/operator.proto). Who may ask is
// settled before a call gets here: the server lets operators' certificates
// through to this service and no others.

#ifndef METSUKE_CONTROLLER_OPERATOR_H_
#define METSUKE_CONTROLLER_OPERATOR_H_

#include <functional>
#include <string>

#include "controller/ca/client.h"
#include "controller/knocker.h"
#include "controller/register_check.h"
#include "controller/registers.h"
#include "controller/report/report.h"
#include "controller/standing.h"
#include "controller/store/store.h"
#include "proto/delivery.pb.h"
#include "proto/operator.grpc.pb.h"

namespace metsuke {

struct OperatorOptions {
  // Seconds between two looks at a host. One that was silent for longer than
  // three times that is stale.
  uint32_t interval_seconds = 300;
  // Socket of metsuke-ca; empty when there is none.
  std::string authority;
  // Called with the id of each host that was taken out of the fleet.
  std::function<void(const std::string& id)> removed;
  // When the controller's certificate ends; 0 when that is not known.
  int64_t certificate_until = 0;
  // Days that a waiver lasts at most.
  uint32_t waiver_days_max = 90;
  // Who gets the reports of the nights.
  v1::DeliveryConfig delivery;
  // File that pages are made from; empty for the built-in template.
  std::string page_template;
};

class OperatorService final : public v1::Operator::Service {
 public:
  // `store`, `knocker` and `baseline` must outlive the service.
  OperatorService(Store& store, Knocker& knocker, StandingBaseline& baseline,
                  OperatorOptions options)
      : store_(store),
        knocker_(knocker),
        baseline_(baseline),
        options_(std::move(options)),
        registers_(store) {}

  grpc::Status ListHosts(grpc::ServerContext*, const v1::HostsRequest*,
                         grpc::ServerWriter<v1::HostsReply>*) override;
  grpc::Status History(grpc::ServerContext*, const v1::HistoryRequest*,
                       grpc::ServerWriter<v1::HistoryReply>*) override;
  grpc::Status LabelHost(grpc::ServerContext*, const v1::LabelRequest*,
                         v1::LabelReply*) override;
  grpc::Status RemoveHost(grpc::ServerContext*, const v1::RemoveRequest*,
                          v1::RemoveReply*) override;
  grpc::Status Posture(grpc::ServerContext*, const v1::PostureRequest*,
                       grpc::ServerWriter<v1::PostureReply>*) override;
  grpc::Status Findings(grpc::ServerContext*, const v1::FindingsRequest*,
                        grpc::ServerWriter<v1::FindingsReply>*) override;
  grpc::Status Export(grpc::ServerContext*, const v1::ExportRequest*,
                      grpc::ServerWriter<v1::ExportReply>*) override;
  grpc::Status Metrics(grpc::ServerContext*, const v1::MetricsRequest*,
                       grpc::ServerWriter<v1::MetricsReply>*) override;
  grpc::Status Query(grpc::ServerContext*, const v1::QueryRequest*,
                     grpc::ServerWriter<v1::QueryReply>*) override;
  grpc::Status ListEvents(grpc::ServerContext*, const v1::EventsRequest*,
                          grpc::ServerWriter<v1::EventsReply>*) override;
  grpc::Status ListSessions(grpc::ServerContext*, const v1::EventsRequest*,
                            grpc::ServerWriter<v1::SessionsReply>*) override;
  grpc::Status Drift(grpc::ServerContext*, const v1::DriftRequest*,
                     grpc::ServerWriter<v1::DriftReply>*) override;
  grpc::Status GetReport(grpc::ServerContext*, const v1::ReportRequest*,
                         grpc::ServerWriter<v1::ReportReply>*) override;
  grpc::Status ListReports(grpc::ServerContext*, const v1::ReportsRequest*,
                           grpc::ServerWriter<v1::ReportsReply>*) override;
  grpc::Status ListDeliveries(
      grpc::ServerContext*, const v1::DeliveriesRequest*,
      grpc::ServerWriter<v1::DeliveriesReply>*) override;
  grpc::Status SendReport(grpc::ServerContext*, const v1::SendRequest*,
                          v1::SendReply*) override;
  grpc::Status ProbeSsh(grpc::ServerContext*, const v1::ProbeRequest*,
                        grpc::ServerWriter<v1::ProbeReply>*) override;
  grpc::Status GetBaseline(grpc::ServerContext*, const v1::BaselineRequest*,
                           v1::BaselineReply*) override;
  grpc::Status ApplyBaseline(grpc::ServerContext*, const v1::ApplyRequest*,
                             v1::ApplyReply*) override;
  grpc::Status ShowRegisters(grpc::ServerContext*, const v1::RegistersRequest*,
                             grpc::ServerWriter<v1::RegistersReply>*) override;
  grpc::Status RegisterHistory(
      grpc::ServerContext*, const v1::RegisterHistoryRequest*,
      grpc::ServerWriter<v1::RegisterHistoryReply>*) override;
  grpc::Status ApplyRegisters(
      grpc::ServerContext*, const v1::ApplyRegistersRequest*,
      grpc::ServerWriter<v1::ApplyRegistersReply>*) override;
  grpc::Status ListWaivers(grpc::ServerContext*, const v1::WaiversRequest*,
                           grpc::ServerWriter<v1::WaiversReply>*) override;
  grpc::Status AddWaiver(grpc::ServerContext*, const v1::AddWaiverRequest*,
                         v1::AddWaiverReply*) override;
  grpc::Status EndWaiver(grpc::ServerContext*, const v1::EndWaiverRequest*,
                         v1::EndWaiverReply*) override;
  grpc::Status CreateToken(grpc::ServerContext*, const v1::TokenRequest*,
                           v1::CreateTokenReply*) override;
  grpc::Status ListTokens(grpc::ServerContext*, const v1::TokenListRequest*,
                          v1::ListTokensReply*) override;

 private:
  // Whether a host last heard of at `last_seen` has been silent for too long.
  bool Stale(int64_t last_seen, int64_t now) const;
  absl::StatusOr<AuthorityClient> Authority() const;
  BodySource Bodies();
  ReportSources Sources(Judge* judge);
  // What registers are held against that `by` brings.
  RegisterContext ContextFor(const std::string& by, int64_t now);
  // The rows of `hosts` as labels say them.
  absl::StatusOr<v1::Registers> HostRows(int64_t at);
  // Changes the waivers; those after it are returned.
  absl::StatusOr<v1::Registers> ChangeWaivers(
      const std::string& by,
      const std::function<absl::Status(int64_t now, v1::Registers& rows)>&
          change);

  Store& store_;
  Knocker& knocker_;
  StandingBaseline& baseline_;
  const OperatorOptions options_;
  StandingRegisters registers_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_OPERATOR_H_
