// The socket unit by which systemd listens in place of sshd (ssh.socket). With
// Accept=yes each connection starts an `sshd -i`; without, which is how Debian
// ships it, the first one starts the daemon, which takes the sockets over and
// heeds neither Port nor ListenAddress. Until then no sshd runs, and it will
// read its configuration as it is on disk.

#ifndef METSUKE_COLLECTORS_SSHD_SOCKET_H_
#define METSUKE_COLLECTORS_SSHD_SOCKET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

struct SshdSockets {
  // Where systemd listens for the sshd of the package, as ListenAddress has it:
  // "0.0.0.0:22", "[::]:22". Empty when neither ssh.socket nor sshd.socket is
  // active.
  std::vector<std::string> addresses;
  // The command line that its unit gives that sshd, words such as
  // "/usr/sbin/sshd", "-i" and "-oPort=2222", variables filled in; nothing when
  // the unit starts something else.
  std::vector<std::string> command;
  // The sockets of other SSH servers: "old.socket: /usr/sbin/sshd -i -f /x".
  std::vector<std::string> others;
  // Why another socket could not be looked at; empty when all could.
  std::string unseen;
};

// Asks systemd for all of its sockets and what they start. Without a bus to ask
// over that is an error only if one of the two units is there.
absl::StatusOr<SshdSockets> FindSshdSockets(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_SOCKET_H_
