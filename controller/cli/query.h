// Queries that commands put to the controller.

#ifndef METSUKE_CONTROLLER_CLI_QUERY_H_
#define METSUKE_CONTROLLER_CLI_QUERY_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/cli/items.h"
#include "controller/cli/session.h"

namespace metsuke::cli {

// Changes rows and columns for people.
using ForTable = std::function<void(Item& items, std::vector<Column>& columns)>;

// Prints the rows of `request`, `kind` each, with the names of its columns as
// headings, and to standard error what is missing of them; returns an exit
// code. In a form for people `table` has its way with them before.
absl::StatusOr<int> PrintQuery(const Session& session, const std::string& kind,
                               const v1::QueryRequest& request,
                               const ForTable& table = nullptr);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_QUERY_H_
