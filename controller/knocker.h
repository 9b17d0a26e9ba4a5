// Knocks at the SSH servers of hosts and keeps what they answer.

#ifndef METSUKE_CONTROLLER_KNOCKER_H_
#define METSUKE_CONTROLLER_KNOCKER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "controller/store/store.h"
#include "proto/ssh_probe.h"

namespace metsuke {

class Knocker {
 public:
  using Run = std::function<absl::StatusOr<v1::Snapshot>(const ProbeTarget&)>;

  // `run` is RunProbe, but in tests; it may be called by several threads.
  explicit Knocker(Store& store, Run run = RunProbe);

  // Asks the servers of the host with this id and these tables, at `address`
  // or, where that is empty, where the host says it is; some seconds for each.
  // Rows of ssh_endpoints_outside, which are then part of the host's state; an
  // error when metsuke-probe cannot run or nothing could be stored. Any thread.
  absl::StatusOr<v1::Snapshot> Knock(const std::string& id,
                                     const TableDigests& tables,
                                     const std::string& address, int64_t now);

  // Whether these tables speak of servers that the last answers among them do
  // not speak of, or the reverse.
  absl::StatusOr<bool> IsNews(const TableDigests& tables);

 private:
  Store& store_;
  const Run run_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_KNOCKER_H_
