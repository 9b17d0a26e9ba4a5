// Commands below "report" about where reports go.

#ifndef METSUKE_CONTROLLER_CLI_DELIVERIES_H_
#define METSUKE_CONTROLLER_CLI_DELIVERIES_H_

#include "controller/cli/session.h"

namespace metsuke::cli {

void AddDeliveries(CommandLine& report, Session& session);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_DELIVERIES_H_
