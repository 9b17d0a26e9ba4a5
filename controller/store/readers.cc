#include "controller/store/readers.h"

#include "controller/store/schema.h"

namespace metsuke {
namespace {

constexpr size_t kKept = 4;

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Readers::Borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  ASSIGN_OR_RETURN(Database database, OpenForReading(path_));
  return std::make_unique<Database>(std::move(database));
}

void Readers::Return(std::unique_ptr<Database> database) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(database));
}

}  // namespace metsuke
