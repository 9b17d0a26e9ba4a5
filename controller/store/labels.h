// Labels are how operators group hosts: "role=web".

#ifndef METSUKE_CONTROLLER_STORE_LABELS_H_
#define METSUKE_CONTROLLER_STORE_LABELS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace metsuke {

// OK when `key` is 1 to 63 of [A-Za-z0-9._/-].
absl::Status CheckLabelKey(std::string_view key);

// OK when `value` is at most 63 characters that can be seen, spaces within
// included, without "," and "=".
absl::Status CheckLabelValue(std::string_view value);

// Key and value of "key=value", both sound.
absl::StatusOr<std::pair<std::string, std::string>> ParseLabel(
    std::string_view text);

// What hosts are asked to be labelled with.
class Selector {
 public:
  // "key=value" or "key", comma-separated; empty matches every host.
  // InvalidArgument names the part that cannot be read.
  static absl::StatusOr<Selector> Parse(std::string_view text);

  // Whether the labels, each "key=value", meet all of it.
  template <typename Labels>
  bool Matches(const Labels& labels) const {
    for (const Term& term : terms_) {
      bool met = false;
      for (const std::string& label : labels) met = met || Meets(label, term);
      if (!met) return false;
    }
    return true;
  }

  bool empty() const { return terms_.empty(); }

 private:
  // "key=value", or "key=" and any value will do.
  struct Term {
    std::string label;
    bool any_value;
  };
  static bool Meets(const std::string& label, const Term& term) {
    return term.any_value ? label.starts_with(term.label) : label == term.label;
  }

  std::vector<Term> terms_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_LABELS_H_
