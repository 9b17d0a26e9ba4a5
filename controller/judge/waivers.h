// Which failures a waiver covers. Verdicts know nothing of waivers: these are
// laid over them when they are shown.

#ifndef METSUKE_CONTROLLER_JUDGE_WAIVERS_H_
#define METSUKE_CONTROLLER_JUDGE_WAIVERS_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/judge/judge.h"
#include "controller/judge/score.h"
#include "controller/store/labels.h"
#include "proto/register.pb.h"

namespace metsuke {

// Whether the waiver is in force at `now`: from `from` on and before `until`.
bool InForce(const v1::Waiver& waiver, int64_t now);

// Whether the waiver is in force at `now` and ends within 14 days.
bool EndsSoon(const v1::Waiver& waiver, int64_t now);

// The waivers in force at an instant.
class Waivers {
 public:
  // No waiver at all.
  Waivers() = default;
  // Those among `rows` in force at `now`. One of a control that the baseline
  // does not have, or whose selector cannot be read, covers nothing.
  Waivers(const v1::Registers& rows, const CompiledBaseline& baseline,
          int64_t now);

  // Whether one speaks of hosts by their labels.
  bool ByLabels() const { return !by_labels_.empty(); }
  // Whether one speaks of this host alone, by its id.
  bool ByHost(const std::string& id) const { return by_host_.contains(id); }

  // Those failures in `state` that a waiver covers on a host with these labels,
  // each "key=value", and this id; of several waivers the one that ends last. A
  // control that could not be judged is not waived. The waivers live as long as
  // this.
  Waived Cover(const JudgedState& state, const std::vector<std::string>& labels,
               const std::string& id) const;

 private:
  struct Entry {
    size_t control;
    Selector selector;
    v1::Waiver waiver;
  };
  std::vector<Entry> by_labels_;
  std::unordered_map<std::string, std::vector<Entry>> by_host_;
};

// The labels of a host with these tables, as "key=value".
absl::StatusOr<std::vector<std::string>> ReadLabels(const TableDigests& tables,
                                                    const BodySource& bodies);

// What the state comes to where these failures are waived.
Score CountWaived(const CompiledBaseline& baseline, const JudgedState& state,
                  const Waived& waived);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_WAIVERS_H_
