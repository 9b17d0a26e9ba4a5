// Knocks at the SSH servers of hosts and keeps what they answer.

#ifndef METSUKE_CONTROLLER_KNOCKER_H_
#define METSUKE_CONTROLLER_KNOCKER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

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

class Knocker {
 public:
  using Run = std::function<absl::StatusOr<v1::Snapshot>(const ProbeTarget&)>;

  // `run` is RunProbe, but in tests; it may be called by several threads.
  explicit Knocker(Store& store, Run run = RunProbe);

  // Asks the servers of a host with these tables, some seconds for each. What
  // came of it, rows of ssh_endpoints_outside and gaps_outside, is then part of
  // the host's state; a server that could not be asked is a gap. At one address
  // one server is asked at a time, whoever asks. Cancelled when `stop` was
  // asked for; another error when nothing could be stored. Any thread.
  absl::StatusOr<v1::Snapshot> Knock(const FleetHost& host,
                                     const TableDigests& tables, int64_t now,
                                     const std::stop_token& stop = {});

 private:
  void Ask(const ProbeTarget& target, v1::Snapshot& rows);

  Store& store_;
  const Run run_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::set<std::string> busy_;  // addresses; guarded by mutex_
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_KNOCKER_H_
