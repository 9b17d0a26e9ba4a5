// The registers as the store has them, read once for all who ask.

#ifndef METSUKE_CONTROLLER_REGISTERS_H_
#define METSUKE_CONTROLLER_REGISTERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "controller/store/store.h"
#include "controller/table_digests.h"
#include "proto/register.pb.h"

namespace metsuke {

// What people kept at an instant.
struct RegisterRows {
  // Of the registers that were kept; the others are not among them.
  TableDigests digests;
  v1::Registers rows;
};

// For any number of threads.
class StandingRegisters {
 public:
  // `store` must outlive it.
  explicit StandingRegisters(Store& store) : store_(store) {}

  // The registers at the instant `at`; 0 is now. They stay good for the caller
  // when others are put in force meanwhile.
  absl::StatusOr<std::shared_ptr<const RegisterRows>> At(int64_t at);

  // What follows from the registers as they are now.
  using Decide =
      std::function<absl::StatusOr<RegisterUpdate>(const RegisterRows& now)>;

  // Puts what `decide` says in force, durably; or fails, and all stays as it
  // is. Nobody else changes registers meanwhile.
  absl::Status Change(const Decide& decide);

 private:
  absl::StatusOr<std::shared_ptr<const RegisterRows>> Read(int64_t at);

  Store& store_;
  std::mutex changing_;
  std::mutex mutex_;
  std::shared_ptr<const RegisterRows>
      now_;  // guarded by mutex_; null: not read
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REGISTERS_H_
