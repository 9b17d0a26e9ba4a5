// The tables that metsuke-agent fills itself: what the SSH servers of the host
// answer to metsuke-probe, which metsuke-collect, without a network, cannot
// ask.

#ifndef METSUKE_AGENT_PROBER_H_
#define METSUKE_AGENT_PROBER_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/collect.pb.h"
#include "proto/snapshot.pb.h"
#include "proto/ssh_probe.h"

namespace metsuke {

class Prober {
 public:
  using Clock = std::chrono::steady_clock;
  using Run = std::function<absl::StatusOr<v1::Snapshot>(const ProbeTarget&)>;

  // Each question leaves a line in the server's log, so it is asked when where
  // servers listen or whom they let in has changed, but not sooner than this;
  static constexpr std::chrono::minutes kSoonest{10};
  // after this where one did not answer,
  static constexpr std::chrono::hours kAgain{1};
  // and without a reason after this.
  static constexpr std::chrono::hours kLatest{24};

  // `run` is RunProbe, but in tests.
  explicit Prober(Run run);

  // Adds to the answer of metsuke-collect the tables that the schema says the
  // agent fills, and what `collections` and `gaps` say of them. What was asked
  // earlier stands until it is time to ask again. Takes some seconds when it
  // asks.
  void Complete(v1::Collected& collected, Clock::time_point now);

 private:
  void Ask(const v1::Snapshot& seen);

  const Run run_;
  std::string asked_for_;  // digest of what the questions followed from
  std::optional<Clock::time_point> asked_;
  v1::Snapshot rows_;
  absl::Status status_;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBER_H_
