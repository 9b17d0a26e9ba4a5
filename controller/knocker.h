// Knocks at the SSH servers of hosts and keeps what they answer.

#ifndef METSUKE_CONTROLLER_KNOCKER_H_
#define METSUKE_CONTROLLER_KNOCKER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/outside.h"
#include "controller/store/store.h"
#include "proto/ssh_probe.h"

namespace metsuke {

// A host is asked again a day after it was asked last, by whomever;
inline constexpr int64_t kKnockAgain = 86400;
// an hour after, if what says where its servers are and what they should answer
// has changed.
inline constexpr int64_t kKnockSooner = 3600;
// One that has been silent for so long is left alone: its address may be
// another's by now.
inline constexpr int64_t kSilent = 86400;

// Whether the time has come for a host with these tables.
bool IsDue(const FleetHost& host, const TableDigests& tables, int64_t now);

// How often a host may be spoken to in ten minutes before those who count
// strangers, such as fail2ban in its aggressive mode, shut the controller out:
// they allow four attempts, and each server that is asked is one.
inline constexpr int64_t kCounted = 600;
inline constexpr size_t kMostCounted = 4;

// A host, and which of its servers are to be asked where.
struct Visit {
  FleetHost host;
  std::string knocked_for;  // HostEntry.knocked_for from then on
  OutsidePlan plan;

  // Where most of it happens; empty when there is nobody to ask.
  std::string place() const {
    return plan.targets.empty() ? "" : plan.targets[0].address;
  }
};

class Knocker {
 public:
  using Run = std::function<absl::StatusOr<v1::Snapshot>(const ProbeTarget&)>;

  // `run` is RunProbe, but in tests; it may be called by several threads.
  explicit Knocker(Store& store, Run run = RunProbe);

  // What to ask of a host with these tables.
  absl::StatusOr<Visit> Plan(FleetHost host, const TableDigests& tables) const;

  // Asks the servers, some seconds for each. What came of it, rows of
  // ssh_endpoints_outside and gaps_outside, is then part of the host's state; a
  // server that could not be asked is a gap. At one address one server is asked
  // at a time, whoever asks. Cancelled when `stop` was asked for; another error
  // when nothing could be stored. Any thread.
  absl::StatusOr<v1::Snapshot> Knock(Visit visit, int64_t now,
                                     const std::stop_token& stop = {});

  // To be called before Knock: counts the visit, unless it would take the host
  // beyond kMostCounted. Then it is not to be made, and the seconds to wait are
  // returned; 0 when it was counted. With `anyway` it is counted in any case.
  // Knows of this program's own visits only.
  int64_t Reserve(const Visit& visit, int64_t now, bool anyway = false);

 private:
  void Ask(const ProbeTarget& target, v1::Snapshot& rows);
  int64_t WaitFor(const Visit& visit, int64_t now) const;  // under mutex_

  Store& store_;
  const Run run_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::set<std::string> busy_;  // addresses; guarded by mutex_
  // When servers of a host were asked, the last first; guarded by mutex_.
  std::map<std::string, std::vector<int64_t>> counted_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_KNOCKER_H_
