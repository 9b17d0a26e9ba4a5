// The controller's own accept loop. gRPC 1.51 stops accepting for ever once it
// has run out of descriptors (CVE-2023-4785), which plain connects can bring
// about; so gRPC never sees the listening socket, only connections that were
// let in.

#ifndef METSUKE_CONTROLLER_LISTENER_H_
#define METSUKE_CONTROLLER_LISTENER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace metsuke {

struct ListenerLimits {
  size_t connections = 10000;             // open at once
  size_t connections_per_address = 1000;  // open at once from one address
};

class Listener {
 public:
  // Accepts on `listening` (an own descriptor of a listening TCP socket) in a
  // thread and hands each connection that is within the limits to `take`, which
  // owns its descriptor from then on.
  Listener(int listening, ListenerLimits limits,
           std::function<void(int fd)> take);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Stops accepting and closes the listening socket; connections stay open.
  void Stop();

  // Says that a call of the peer, as grpc::ServerContext::peer() writes it, was
  // let in. A connection that ends without such a call is logged.
  void Proven(std::string_view peer);

  // Connections that are open.
  size_t connections();

 private:
  // One connection. Its descriptor is gRPC's, which closes it without telling;
  // the inode says whether the number still stands for the same socket.
  struct Connection {
    ino_t inode;
    std::string address;
    std::string peer;  // as grpc::ServerContext::peer() writes it
    bool proven = false;
  };

  void Loop();
  // Whether one was there; closes it at once when no descriptor is left.
  bool AcceptOne();
  void ShedOne();
  void Admit(int fd);
  void Refuse(int fd, const std::string& address, const char* why);
  void Sweep();
  using Connections = std::map<int, Connection>;
  // Forgets a connection that has ended, with a log line if nobody vouched.
  Connections::iterator Forget(Connections::iterator connection);
  size_t CountFrom(const std::string& address) const;
  bool MayLog();

  const int listening_;
  const ListenerLimits limits_;
  const std::function<void(int)> take_;
  int stop_;   // eventfd(2)
  int spare_;  // given up to shed a connection when no descriptor is left
  std::mutex mutex_;
  std::map<int, Connection> connections_;  // by descriptor; guarded by mutex_
  // How many are open from an address; guarded by mutex_.
  std::map<std::string, size_t> addresses_;
  // Descriptors by peer; guarded by mutex_.
  std::map<std::string, int, std::less<>> peers_;
  std::chrono::steady_clock::time_point log_second_;
  int logged_ = 0;  // lines in that second
  std::thread thread_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_LISTENER_H_
