#include "controller/store/drift_memo.h"

#include <utility>

namespace metsuke {
namespace {

// A fleet that is upgraded in an hour comes in waves of hosts that are alike;
// an event takes some hundred bytes.
constexpr size_t kMostKeys = 1000, kMostEvents = 20'000;

}  // namespace

std::string DriftMemo::KeyOf(const std::string& table,
                             const TableDigests& before,
                             const TableDigests& after) {
  std::string key = table;
  for (const TableDigests* state : {&before, &after})
    for (const std::string& name :
         {table, std::string("collections"), std::string("gaps")}) {
      const auto digest = state->find(name);
      key += '\n';
      if (digest != state->end()) key += digest->second;
    }
  return key;
}

const std::vector<v1::Event>* DriftMemo::Find(const std::string& key) const {
  const auto known = known_.find(key);
  return known == known_.end() ? nullptr : &known->second;
}

void DriftMemo::Keep(const std::string& key, std::vector<v1::Event> events) {
  const auto [kept, fresh] = known_.emplace(key, std::move(events));
  if (!fresh) return;
  events_ += kept->second.size();
  order_.push_back(key);
  while (order_.size() > 1 &&
         (order_.size() > kMostKeys || events_ > kMostEvents)) {
    const auto oldest = known_.find(order_.front());
    events_ -= oldest->second.size();
    known_.erase(oldest);
    order_.pop_front();
  }
}

}  // namespace metsuke
