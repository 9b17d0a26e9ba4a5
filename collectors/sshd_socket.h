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

// Where systemd listens for sshd, as ListenAddress has it: "0.0.0.0:22",
// "[::]:22". Empty when no such unit is there or active. An error when it could
// not be asked.
absl::StatusOr<std::vector<std::string>> SshdSocketAddresses(const Host& host);

// The options that the units of the package hand to sshd, words such as "-o"
// and "Port=2222": SSHD_OPTS of /etc/default/ssh.
std::vector<std::string> SshdUnitOptions(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_SOCKET_H_
