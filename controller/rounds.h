// The controller's own round: once a day it knocks at the SSH servers of each
// host, and what it has not seen for days it no longer holds to be so.

#ifndef METSUKE_CONTROLLER_ROUNDS_H_
#define METSUKE_CONTROLLER_ROUNDS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>

#include "absl/status/status.h"
#include "controller/knocker.h"
#include "controller/store/store.h"

namespace metsuke {

// A host is asked a day after it was asked last, by whomever, so that over a
// fleet the knocks spread over the day as its hosts came in; and when it has
// other SSH servers than were asked, at the next round.
inline constexpr int64_t kKnockAgain = 86400;
// A host that has been silent for so long is left alone: its address may be
// another's by now.
inline constexpr int64_t kSilent = 86400;
// What was seen longer ago counts no longer.
inline constexpr int64_t kSightLasts = 3 * 86400;

class Rounds {
 public:
  // Time between two rounds, and before the first.
  static constexpr std::chrono::minutes kBetween{10};

  // Goes round on a thread of its own until it is destroyed, which may take
  // as long as the servers that are being asked; does not knock by itself when
  // `knocks` is false.
  Rounds(Store& store, bool knocks);

 private:
  void Loop(const std::stop_token& stop);

  Store& store_;
  const bool knocks_;
  std::jthread thread_;
};

// Knocks at the hosts whose time has come by `clock`, 16 at once; ends early
// when `stop` is asked for. The first error; the other hosts are asked all the
// same.
absl::Status GoRound(Store& store, Knocker& knocker,
                     const std::function<int64_t()>& clock,
                     const std::stop_token& stop);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_ROUNDS_H_
