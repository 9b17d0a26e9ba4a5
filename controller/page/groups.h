// Controls grouped by what they are about.

#ifndef METSUKE_CONTROLLER_PAGE_GROUPS_H_
#define METSUKE_CONTROLLER_PAGE_GROUPS_H_

#include <string>
#include <vector>

#include "controller/page/page.h"

namespace metsuke {

// Ids are words, and the first says what a control is about. Groups come as the
// baseline has them; those beyond what a line has room for are one, "…".
class Groups {
 public:
  explicit Groups(const std::vector<PageControl>& controls);

  const std::vector<std::string>& words() const { return words_; }
  // The group of the control with this number.
  size_t Of(size_t control) const { return of_[control]; }

 private:
  std::vector<std::string> words_;
  std::vector<size_t> of_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_GROUPS_H_
