// What operators decided, and which of it will end.

#ifndef METSUKE_CONTROLLER_REPORT_DECISIONS_H_
#define METSUKE_CONTROLLER_REPORT_DECISIONS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "controller/store/store.h"
#include "proto/register.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

// Sets the decisions that were made after `from`, up to `to`.
absl::Status TellDecisions(Store& store, int64_t from, int64_t to,
                           v1::Report& report);

// Sets the waivers in force at `to` that end soon after it, and those that
// ended after `from`.
void TellEnding(const v1::Registers& registers, int64_t from, int64_t to,
                v1::Report& report);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_DECISIONS_H_
