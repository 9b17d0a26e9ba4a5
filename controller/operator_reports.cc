// Operators' calls about reports.

#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

#include "controller/delivery/nightly.h"
#include "controller/delivery/recipients.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/page/page.h"
#include "controller/report/report.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

// The day that is meant, "last" resolved.
absl::StatusOr<std::string> DayOf(Store& store, const std::string& day) {
  if (day != "last") return day;
  ASSIGN_OR_RETURN(const auto nights, store.Reports());
  if (!nights.empty()) return nights[0].day();
  return absl::NotFoundError(
      "no night has a report yet; metsukectl report drift --since 24h makes "
      "one now");
}

absl::StatusOr<v1::Report> ReadNight(Store& store, const std::string& asked) {
  ASSIGN_OR_RETURN(const std::string day, DayOf(store, asked));
  ASSIGN_OR_RETURN(const std::string bytes, store.ReadReport(day, ""));
  v1::Report report;
  if (!report.ParseFromString(bytes))
    return absl::DataLossError("the report of " + day + " cannot be read");
  return report;
}

absl::StatusOr<v1::Report> MakeNow(const ReportSources& sources,
                                   const v1::ReportRequest& request) {
  const int64_t to = request.to() != 0 ? request.to() : Now();
  if (to > Now())
    return absl::InvalidArgumentError("what is asked about lies in the future");
  ASSIGN_OR_RETURN(ReportQuestion question, QuestionUntil(sources.store, to));
  question.hosts = {.selector = request.selector(), .host = request.host()};
  if (request.from() != 0 && request.from() != question.from) {
    question.from = request.from();
    question.behind.clear();
  }
  ASSIGN_OR_RETURN(MadeReport made, MakeReport(sources, question));
  return std::move(made.report);
}

// The bytes that answer the request.
absl::StatusOr<MadePage> Answer(const ReportSources& sources,
                                const v1::ReportRequest& request,
                                const std::string& page_template) {
  if (!request.language().empty() && request.language() != "en" &&
      request.language() != "ja")
    return absl::InvalidArgumentError("a page is in en or ja");
  ASSIGN_OR_RETURN(const v1::Report report,
                   request.day().empty()
                       ? MakeNow(sources, request)
                       : ReadNight(sources.store, request.day()));
  if (!request.page())
    return MadePage{.html = ReportBytes(report), .complaint = ""};
  return MakePage(
      sources, report,
      {.selector = request.selector(), .host = request.host()},
      request.language() == "ja" ? Language::kJapanese : Language::kEnglish,
      page_template);
}

// The part of the night's report about the hosts with these labels, for those
// whose labels were not asked for when it was made.
absl::StatusOr<std::string> MakePart(const ReportSources& sources,
                                     const std::string& night,
                                     const std::string& selector) {
  v1::Report whole;
  if (!whole.ParseFromString(night))
    return absl::DataLossError("the report of the night is damaged");
  ASSIGN_OR_RETURN(ReportQuestion question,
                   QuestionUntil(sources.store, whole.to()));
  question.day = whole.day();
  question.hosts.selector = selector;
  question.from = whole.from();
  ASSIGN_OR_RETURN(const MadeReport made, MakeReport(sources, question));
  return ReportBytes(made.report);
}

// Puts the report of a night on its way to a recipient, from the beginning.
absl::Status SendAgain(const ReportSources& sources,
                       const v1::DeliveryConfig& config,
                       const v1::SendRequest& request, v1::SendReply& reply) {
  Store& store = sources.store;
  const v1::Recipient* const recipient =
      FindRecipient(config, request.recipient());
  if (recipient == nullptr) {
    std::vector<std::string> names;
    for (const v1::Recipient& one : config.recipients())
      names.push_back(one.name());
    return absl::NotFoundError(fmt::format(
        "{} is no recipient{}; delivery.yaml on the controller names them, "
        "metsuke-controller -t tries it",
        request.recipient(), DidYouMean(request.recipient(), names)));
  }
  ASSIGN_OR_RETURN(const std::string day, DayOf(store, request.day()));
  ASSIGN_OR_RETURN(const std::string night, store.ReadReport(day, ""));
  const std::string& selector = recipient->hosts();
  std::map<std::string, std::string> parts;
  if (absl::IsNotFound(store.ReadReport(day, selector).status())) {
    ASSIGN_OR_RETURN(parts[selector], MakePart(sources, night, selector));
  }
  const auto deliveries = DeliveriesTo(*recipient, day, Now());
  RETURN_IF_ERROR(store.PutDeliveries(deliveries, day, parts));
  for (const v1::Delivery& delivery : deliveries)
    *reply.add_deliveries() = delivery;
  return absl::OkStatus();
}

}  // namespace

ReportSources OperatorService::Sources(Judge* judge) {
  return {.store = store_,
          .registers = registers_,
          .judge = judge,
          .interval = options_.interval_seconds};
}

grpc::Status OperatorService::GetReport(
    grpc::ServerContext*, const v1::ReportRequest* request,
    grpc::ServerWriter<v1::ReportReply>* writer) {
  const auto judge = baseline_.judge();
  const auto answer =
      Answer(Sources(judge.get()), *request, options_.page_template);
  if (!answer.ok()) return ToGrpc(answer.status());
  if (!answer->complaint.empty()) {
    v1::ReportReply reply;
    reply.set_complaint(answer->complaint);
    writer->Write(reply);
  }
  WritePieces(writer, answer->html);
  return grpc::Status::OK;
}

grpc::Status OperatorService::ListReports(
    grpc::ServerContext*, const v1::ReportsRequest*,
    grpc::ServerWriter<v1::ReportsReply>* writer) {
  const auto nights = store_.Reports();
  if (!nights.ok()) return ToGrpc(nights.status());
  Batches<v1::ReportsReply> batches(writer);
  for (const v1::ReportEntry& night : *nights)
    *batches.Next().add_reports() = night;
  batches.Flush();
  return grpc::Status::OK;
}

grpc::Status OperatorService::ListDeliveries(
    grpc::ServerContext*, const v1::DeliveriesRequest* request,
    grpc::ServerWriter<v1::DeliveriesReply>* writer) {
  std::string day;
  if (!request->day().empty()) {
    auto meant = DayOf(store_, request->day());
    if (!meant.ok()) return ToGrpc(meant.status());
    day = std::move(*meant);
  }
  const auto deliveries = store_.Deliveries(day);
  if (!deliveries.ok()) return ToGrpc(deliveries.status());
  Batches<v1::DeliveriesReply> batches(writer);
  for (const v1::Delivery& delivery : *deliveries)
    *batches.Next().add_deliveries() = delivery;
  batches.Flush();
  return grpc::Status::OK;
}

grpc::Status OperatorService::SendReport(grpc::ServerContext* context,
                                         const v1::SendRequest* request,
                                         v1::SendReply* reply) {
  const auto judge = baseline_.judge();
  const absl::Status sent = SendAgain(Sources(judge.get()), options_.delivery,
                                      *request, *reply);
  if (sent.ok())
    Log(Priority::kNotice,
        fmt::format("operator {} puts the report of {} on its way to {}",
                    Caller(*context), reply->deliveries(0).day(),
                    reply->deliveries(0).recipient()));
  return ToGrpc(sent);
}

}  // namespace metsuke
