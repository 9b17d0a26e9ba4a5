// What operators decided, and which of it will end.

#ifndef METSUKE_CONTROLLER_REPORT_DECISIONS_H_
#define METSUKE_CONTROLLER_REPORT_DECISIONS_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "controller/report/fleet_change.h"
#include "controller/store/store.h"
#include "proto/register.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

// Whether a row of a register concerns the hosts a report is about.
using Concerns = std::function<bool(const google::protobuf::Message& row)>;

// The rows that name one of these hosts, by its id, or labels that one of them
// has, and those that name neither, which are about all hosts. `fleet` must
// outlive it.
Concerns ConcernsOf(const FleetChange& fleet);

// Sets the decisions that were made after `from`, up to `to`: of the rows of
// registers those that concern the hosts.
absl::Status TellDecisions(Store& store, int64_t from, int64_t to,
                           const Concerns& concerns, v1::Report& report);

// Sets the waivers in force at `to` that end soon after it, and those that
// ended after `from`; of both those that concern the hosts.
void TellEnding(const v1::Registers& registers, int64_t from, int64_t to,
                const Concerns& concerns, v1::Report& report);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_DECISIONS_H_
