#include "controller/registers.h"

#include <utility>

#include "proto/status.h"

namespace metsuke {

absl::StatusOr<std::shared_ptr<const RegisterRows>> StandingRegisters::Read(
    int64_t at) {
  auto read = std::make_shared<RegisterRows>();
  ASSIGN_OR_RETURN(const auto registers, store_.Registers(at));
  for (const RegisterTime& kept : registers) {
    ASSIGN_OR_RETURN(const std::string bytes, store_.Body(kept.digest));
    if (!read->rows.MergeFromString(bytes))
      return absl::DataLossError("register " + kept.name +
                                 ": the stored rows cannot be read");
    read->digests[kept.name] = kept.digest;
  }
  return read;
}

absl::StatusOr<std::shared_ptr<const RegisterRows>> StandingRegisters::At(
    int64_t at) {
  if (at != 0) return Read(at);
  // Held while it is read, so that what was read before a change is not kept
  // after it.
  const std::lock_guard lock(mutex_);
  if (!now_) {
    ASSIGN_OR_RETURN(now_, Read(0));
  }
  return now_;
}

absl::Status StandingRegisters::Change(const Decide& decide) {
  const std::lock_guard changing(changing_);
  ASSIGN_OR_RETURN(const auto before, At(0));
  ASSIGN_OR_RETURN(const RegisterUpdate update, decide(*before));
  if (update.bodies.empty() && update.labels.empty()) return absl::OkStatus();
  const absl::Status put = store_.PutRegisters(update);
  const std::lock_guard lock(mutex_);
  now_.reset();
  return put;
}

}  // namespace metsuke
