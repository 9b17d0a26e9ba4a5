#include "controller/event_windows.h"

#include <utility>

#include "proto/event_sum.h"

namespace metsuke {
namespace {

// A host that tells more of ten minutes is told of in parts.
constexpr size_t kMostHeld = 20'000;

}  // namespace

bool EventWindows::Add(v1::Event event) {
  if (SumWindow(event) != window_ || held_.size() == kMostHeld) {
    if (!Finish()) return false;
    window_ = SumWindow(event);
  }
  if (IsSummed(event)) {
    const auto [sum, added] = sums_.try_emplace(SumKey(event), held_.size());
    if (!added) {
      AddToSum(event, held_[sum->second]);
      return true;
    }
  }
  held_.push_back(std::move(event));
  return true;
}

bool EventWindows::Finish() {
  sums_.clear();
  for (v1::Event& event : std::exchange(held_, {}))
    if (!take_(std::move(event))) return false;
  return true;
}

}  // namespace metsuke
