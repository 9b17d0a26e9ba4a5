// From registers as they are given to what is stored and what is told of it.

#ifndef METSUKE_CONTROLLER_REGISTER_PLAN_H_
#define METSUKE_CONTROLLER_REGISTER_PLAN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "controller/register_check.h"
#include "controller/register_files.h"
#include "controller/store/store.h"

namespace metsuke {

struct RegisterPlan {
  RegisterUpdate update;
  // What becomes different, by register.
  std::vector<v1::Change> changes;
  // The rows as they are kept.
  v1::Registers rows;
};

// What follows from `given`. The error is InvalidArgument and tells all that is
// wrong at once, a line each: "FILE:LINE:COLUMN: REGISTER ROW: KEY: why".
// `kept` has the registers that are kept already, by name.
absl::StatusOr<RegisterPlan> PlanRegisters(const GivenRegisters& given,
                                           const RegisterContext& context,
                                           const TableDigests& kept);

// The row of `hosts` that says what the labels of the host say.
v1::RegisteredHost HostRow(const std::string& host,
                           const std::vector<std::string>& labels);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REGISTER_PLAN_H_
