// A fixed number of threads that each take a connection from a listening
// socket, serve it, and take the next. The number is the limit on what is
// served at once; the rest waits in the kernel's queue.

#ifndef METSUKE_CONTROLLER_CA_WORKERS_H_
#define METSUKE_CONTROLLER_CA_WORKERS_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

namespace metsuke {

// A unix socket that listens at `path`, open to every user: who may ask is
// decided by SO_PEERCRED. The socket of a program that is gone is replaced;
// AlreadyExists when one still answers there.
absl::StatusOr<int> ListenUnix(const std::string& path);

class Workers {
 public:
  // Takes `listener` and closes it at the end. `serve` takes the descriptor of
  // a connection and must return in bounded time.
  Workers(int listener, int count, std::function<void(int fd)> serve);

  // Waits for the connections that are being served.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

 private:
  void Work();

  int listener_;
  std::function<void(int fd)> serve_;
  std::vector<std::thread> threads_;
};

// Blocks SIGTERM and SIGINT; to be called before the first thread is started.
void HoldSignals();

// Waits for one of them.
void AwaitSignal();

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_WORKERS_H_
