// Sockets that accept traffic and the processes that hold them.

#ifndef METSUKE_COLLECTORS_SOCKETS_H_
#define METSUKE_COLLECTORS_SOCKETS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// A listening TCP socket or a bound, unconnected UDP socket.
struct Socket {
  std::string protocol;  // "tcp" or "udp"
  std::string address;   // numeric
  uint16_t port;
  uint32_t interface;  // number of the interface it is bound to; 0 is any
  uint32_t uid;        // of the one who made it
  uint64_t inode;      // what /proc/PID/fd calls it by
};

// The sockets in the answers to a dump of sock_diag(7) for "tcp" or "udp".
// A socket of IPv6 that also takes IPv4 (dual stack) is one socket at "::";
// one that is bound to an IPv4 address through IPv6 has the mapped address,
// such as "::ffff:192.0.2.7".
std::vector<Socket> ParseSockets(const std::string& replies,
                                 std::string_view protocol);

// A process that holds a socket.
struct Holder {
  std::string program;  // comm
  std::string path;     // of its file
  std::string unit;     // systemd unit; empty for none
};

// Who holds which socket.
struct Holders {
  std::multimap<uint64_t, Holder> by_inode;
  // Processes that could not be seen, or not whole.
  int closed = 0;
};

// Looks through the descriptors of all processes for the sockets of `inodes`;
// an error when it cannot be told which processes there are. A socket that
// nobody holds is not proved to be the kernel's own: a descriptor may be on its
// way between two processes (unix(7)), registered with an io_uring, or in the
// table of a thread that shares it with no other.
absl::StatusOr<Holders> FindHolders(const Host& host,
                                    const std::set<uint64_t>& inodes);

// The systemd unit in the text of a /proc/PID/cgroup, `root` being that of
// process 1; empty when the process belongs to none.
std::string UnitOfCgroup(std::string_view cgroup, std::string_view root);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SOCKETS_H_
