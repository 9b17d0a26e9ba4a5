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

// What was seen longer ago counts no longer.
inline constexpr int64_t kSightLasts = 3 * 86400;
// Hosts of one round, so that the next looks at what has changed meanwhile; the
// others are the next round's.
inline constexpr size_t kMostOfARound = 2000;
// Of these, hosts at one address, which are asked one after the other.
inline constexpr size_t kMostAtOneAddress = 20;

class Rounds {
 public:
  // Time between two rounds, and before the first.
  static constexpr std::chrono::minutes kBetween{10};

  // Goes round on a thread of its own until it is destroyed, which may take
  // some seconds; does not knock by itself when `knocks` is false. `between` is
  // kBetween, but in tests. The others must outlive it.
  Rounds(Store& store, Knocker& knocker, bool knocks,
         std::chrono::milliseconds between = kBetween);

 private:
  void Loop(const std::stop_token& stop);

  Store& store_;
  Knocker& knocker_;
  const bool knocks_;
  const std::chrono::milliseconds between_;
  std::jthread thread_;
};

// Knocks at the hosts whose time has come by `clock`, 16 at once, those first
// that were not asked for the longest, hosts at one address one by one; ends
// early when `stop` is asked for. The first error; the other hosts are asked all
// the same.
absl::Status GoRound(Store& store, Knocker& knocker,
                     const std::function<int64_t()>& clock,
                     const std::stop_token& stop);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_ROUNDS_H_
