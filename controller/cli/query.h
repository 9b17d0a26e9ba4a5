// Queries that commands put to the controller.

#ifndef METSUKE_CONTROLLER_CLI_QUERY_H_
#define METSUKE_CONTROLLER_CLI_QUERY_H_

#include <string>

#include "absl/status/statusor.h"
#include "controller/cli/session.h"

namespace metsuke::cli {

// Prints the rows of `request`, `kind` each, with the names of its columns as
// headings, and to standard error what is missing of them; returns an exit
// code.
absl::StatusOr<int> PrintQuery(const Session& session, const std::string& kind,
                               const v1::QueryRequest& request);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_QUERY_H_
