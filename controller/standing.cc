#include "controller/standing.h"

#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {

absl::StatusOr<std::unique_ptr<StandingBaseline>> StandingBaseline::Load(
    Store& store) {
  std::unique_ptr<StandingBaseline> standing(new StandingBaseline(store));
  ASSIGN_OR_RETURN(std::optional<StoredBaseline> stored,
                   store.ActiveBaseline());
  if (!stored) return standing;
  absl::StatusOr<CompiledBaseline> compiled = LoadBaseline(stored->files);
  if (!compiled.ok()) {
    Log(Priority::kError,
        "the baseline that was in force does not load any more, and nothing is "
        "judged until another is applied: " +
            Message(compiled.status()));
    return standing;
  }
  standing->Set(*std::move(stored), *std::move(compiled));
  return standing;
}

std::shared_ptr<Judge> StandingBaseline::judge() const {
  const std::lock_guard lock(mutex_);
  return judge_;
}

std::optional<StoredBaseline> StandingBaseline::stored() const {
  const std::lock_guard lock(mutex_);
  return stored_;
}

absl::StatusOr<std::shared_ptr<Judge>> StandingBaseline::Apply(
    std::vector<v1::BaselineFile> files, const std::string& by, int64_t now) {
  ASSIGN_OR_RETURN(CompiledBaseline compiled, LoadBaseline(files));
  const std::lock_guard lock(applying_);
  StoredBaseline stored{compiled.version, by, now, std::move(files)};
  RETURN_IF_ERROR(store_.PutBaseline(stored));
  Set(std::move(stored), std::move(compiled));
  return judge();
}

void StandingBaseline::Set(StoredBaseline stored, CompiledBaseline compiled) {
  auto judge = std::make_shared<Judge>(
      std::move(compiled),
      [this](const std::string& digest) { return store_.Body(digest); });
  const std::lock_guard lock(mutex_);
  stored_ = std::move(stored);
  judge_ = std::move(judge);
}

}  // namespace metsuke
