// The baseline in force, and the judge that holds hosts against it.

#ifndef METSUKE_CONTROLLER_STANDING_H_
#define METSUKE_CONTROLLER_STANDING_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"
#include "controller/store/store.h"

namespace metsuke {

// For any number of threads.
class StandingBaseline {
 public:
  // Holds the baseline that the store says is in force. One that no longer
  // loads, because a newer program is stricter, is logged and is not in force
  // any more: who could apply another if there were no controller?
  static absl::StatusOr<std::unique_ptr<StandingBaseline>> Load(Store& store);

  // The judge of the baseline in force; nullptr when none was ever applied. It
  // stays good for the caller when another baseline is applied meanwhile.
  std::shared_ptr<Judge> judge() const;

  // What was applied, by whom and when; nullopt when nothing was.
  std::optional<StoredBaseline> stored() const;

  // Puts the baseline in `files` in force, durably, or fails with all that is
  // wrong with it, and the one before stays.
  absl::StatusOr<std::shared_ptr<Judge>> Apply(
      std::vector<v1::BaselineFile> files, const std::string& by, int64_t now);

 private:
  explicit StandingBaseline(Store& store) : store_(store) {}
  void Set(StoredBaseline stored, CompiledBaseline compiled);

  Store& store_;
  // Held while a baseline is applied, so that the store's and ours are one.
  std::mutex applying_;
  mutable std::mutex mutex_;
  std::optional<StoredBaseline> stored_;
  std::shared_ptr<Judge> judge_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STANDING_H_
