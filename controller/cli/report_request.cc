#include "controller/cli/report_request.h"

#include "proto/command_line.h"
#include "proto/status.h"

namespace metsuke::cli {

void AddReportOptions(CommandLine& command, ReportOptions& options) {
  command.Word("host", options.host, "Name or id of one host");
  command.Option("-l,--selector", options.selector,
                 "Labels the hosts must have: key=value,key");
  command.Option(
      "--since", options.since,
      "From when: RFC 3339, a day, or a time ago such as 24h (default: "
      "the last night's report, or a day ago)");
  command.Option("--from", options.from, "The same as --since");
  command.Option("--to", options.to, "Until when (default: now)");
  command.Option("--day", options.day,
                 "The report of a night as it was kept: 2026-11-23, or last");
}

absl::StatusOr<v1::ReportRequest> ToRequest(const ReportOptions& options) {
  v1::ReportRequest request;
  request.set_day(options.day);
  request.set_host(options.host);
  request.set_selector(options.selector);
  if (!options.from.empty() && !options.since.empty())
    return absl::InvalidArgumentError(
        "--from and --since say the same; leave out one");
  ASSIGN_OR_RETURN(const int64_t from,
                   ParseInstantOrNone(options.from + options.since));
  request.set_from(from);
  ASSIGN_OR_RETURN(const int64_t to, ParseInstantOrNone(options.to));
  request.set_to(to);
  if (!options.day.empty() &&
      (from != 0 || to != 0 || !(options.host + options.selector).empty()))
    return absl::InvalidArgumentError(
        "--day shows the report of a night as it was kept, of all hosts; leave "
        "out the host, -l and the times, or --day");
  return request;
}

absl::StatusOr<std::string> FetchReport(const Session& session,
                                        const v1::ReportRequest& request,
                                        std::string* complaint) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->GetReport(&context, request);
  v1::ReportReply reply;
  std::string bytes;
  while (stream->Read(&reply)) {
    bytes += reply.piece();
    if (complaint != nullptr) *complaint += reply.complaint();
  }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  return bytes;
}

}  // namespace metsuke::cli
