// What makes the rows of a register fit to be kept.

#ifndef METSUKE_CONTROLLER_REGISTER_CHECK_H_
#define METSUKE_CONTROLLER_REGISTER_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "proto/operator.pb.h"
#include "proto/register.pb.h"

namespace metsuke {

// What rows are held against.
struct RegisterContext {
  // The operator who brings them.
  std::string by;
  int64_t now = 0;
  uint32_t waiver_days_max = 0;
  // The registers as they are.
  v1::Registers before;
  // The host with this name or id; an error says why there is none.
  std::function<absl::StatusOr<v1::HostEntry>(const std::string&)> host;
  // OK when the baseline in force has a control of this id.
  std::function<absl::Status(const std::string&)> control;
};

// Is told what is wrong with which key of which row; a row that is not among
// those given is -1.
using RefuseRow = std::function<void(int row, const std::string& key,
                                     const std::string& why)>;

// Checks the rows of one register, and completes what may be left out.
void CheckRegister(const google::protobuf::FieldDescriptor* field,
                   const RegisterContext& context, const RefuseRow& refuse,
                   v1::Registers& rows);

// Whether the register has a check of its own: each must have one.
bool HasCheck(const std::string& name);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REGISTER_CHECK_H_
