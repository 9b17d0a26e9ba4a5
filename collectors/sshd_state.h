// Whether the running sshd applies what its files say.

#ifndef METSUKE_COLLECTORS_SSHD_STATE_H_
#define METSUKE_COLLECTORS_SSHD_STATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/sshd_config.h"
#include "collectors/sshd_daemon.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// The SSH server of this host and its configuration.
struct RunningSshd {
  // Its state is kUnknown when processes could not be looked through.
  SshdDaemon daemon;
  SshdFiles files;
  // What sshd -T says for the daemon's command line, where no Match block but
  // "all" applies.
  SshdSettings settings;
  // "same", "stale", "not_running" or "unknown": the column `daemon` of what
  // the command line does not set. "same", too, while systemd listens and would
  // start it.
  std::string state;
  // Where systemd listens in its place, as values of ListenAddress; empty when
  // it does not.
  std::vector<std::string> socket;
  // Why systemd could not be asked for that; empty when it could.
  std::string socket_unseen;
};

// The errors of ReadSshdSettings; Absent when sshd is not installed.
absl::StatusOr<RunningSshd> LookAtSshd(const Host& host);

// Says in gaps of `table` what of the servers that run was not seen.
void AddSshdGaps(const RunningSshd& sshd, std::string_view table,
                 v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_STATE_H_
