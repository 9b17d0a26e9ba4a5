// Gaps of one table, each said once however often it is met.

#ifndef METSUKE_COLLECTORS_GAPS_H_
#define METSUKE_COLLECTORS_GAPS_H_

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/collector.h"

namespace metsuke {

class Gaps {
 public:
  // `snapshot` and `table` must outlive it.
  Gaps(std::string_view table, v1::Snapshot& snapshot)
      : table_(table), snapshot_(snapshot) {}

  // See AddGap.
  void Add(const std::string& subject, const std::string& reason,
           std::initializer_list<std::string_view> columns = {}) {
    if (said_.emplace(subject, reason).second)
      AddGap(snapshot_, table_, subject, reason, columns);
  }

 private:
  const std::string_view table_;
  v1::Snapshot& snapshot_;
  std::set<std::pair<std::string, std::string>> said_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_GAPS_H_
