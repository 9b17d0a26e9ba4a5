#include "controller/page/groups.h"

#include <algorithm>

namespace metsuke {
namespace {

constexpr size_t kMostGroups = 20;

}  // namespace

Groups::Groups(const std::vector<PageControl>& controls) {
  for (const PageControl& control : controls) {
    const std::string& id = control.control.id();
    const std::string word = id.substr(0, id.find('-'));
    auto known = std::ranges::find(words_, word);
    if (known == words_.end() && words_.size() >= kMostGroups - 1) {
      if (words_.size() < kMostGroups) words_.emplace_back("…");
      known = words_.end() - 1;
    } else if (known == words_.end()) {
      words_.push_back(word);
      known = words_.end() - 1;
    }
    of_.push_back(static_cast<size_t>(known - words_.begin()));
  }
}

}  // namespace metsuke
