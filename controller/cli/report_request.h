// Which report is asked for, and the answer as it comes.

#ifndef METSUKE_CONTROLLER_CLI_REPORT_REQUEST_H_
#define METSUKE_CONTROLLER_CLI_REPORT_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "controller/cli/session.h"

namespace metsuke::cli {

struct ReportOptions {
  std::string host, selector, since, from, to, day;
};

// Adds the word and the options that say which.
void AddReportOptions(CommandLine& command, ReportOptions& options);

// InvalidArgument where they contradict each other.
absl::StatusOr<v1::ReportRequest> ToRequest(const ReportOptions& options);

// All pieces together. `complaint` is what the controller has to say of its own
// template, and may be null.
absl::StatusOr<std::string> FetchReport(const Session& session,
                                        const v1::ReportRequest& request,
                                        std::string* complaint);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_REPORT_REQUEST_H_
