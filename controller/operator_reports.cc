// Operators' calls about reports.

#include <algorithm>

#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/page/page.h"
#include "controller/report/nightly.h"
#include "controller/report/report.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Well below what a message may have.
constexpr size_t kPieceBytes = 256 << 10;

absl::StatusOr<v1::Report> ReadNight(Store& store, std::string day) {
  if (day == "last") {
    ASSIGN_OR_RETURN(const auto nights, store.Reports());
    if (nights.empty())
      return absl::NotFoundError(
          "no night has a report yet; metsukectl report drift --since 24h "
          "makes "
          "one now");
    day = nights[0].day();
  }
  ASSIGN_OR_RETURN(const std::string bytes, store.ReadReport(day));
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

}  // namespace

grpc::Status OperatorService::GetReport(
    grpc::ServerContext*, const v1::ReportRequest* request,
    grpc::ServerWriter<v1::ReportReply>* writer) {
  const auto judge = baseline_.judge();
  const auto answer = Answer({.store = store_,
                              .registers = registers_,
                              .judge = judge.get(),
                              .interval = interval_seconds_},
                             *request, page_template_);
  if (!answer.ok()) return ToGrpc(answer.status());
  for (size_t at = 0; at < answer->html.size(); at += kPieceBytes) {
    v1::ReportReply reply;
    reply.set_piece(answer->html.substr(at, kPieceBytes));
    if (at == 0) reply.set_complaint(answer->complaint);
    if (!writer->Write(reply)) break;
  }
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

}  // namespace metsuke
