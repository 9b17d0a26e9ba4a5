// What people see while an answer takes longer than a second.

#ifndef METSUKE_CONTROLLER_CLI_WAITING_H_
#define METSUKE_CONTROLLER_CLI_WAITING_H_

#include <grpcpp/support/client_interceptor.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

namespace metsuke::cli {

// A line on a terminal that says how long it has been waited and how much has
// come, once that is more than a second. It is gone while a part of the answer
// is worked on, which may write. Where the answer goes `elsewhere` than to the
// terminal it comes back at once, as nobody sees that something comes; otherwise
// when the next part lets wait for another second.
class Waiting {
 public:
  // Writes to the descriptor `terminal`, which must stay open.
  Waiting(int terminal, bool japanese, bool elsewhere);
  ~Waiting();  // the line is gone

  // Another part of the answer came, and nobody waits until Resume.
  void Heard();
  void Resume();

 private:
  using Clock = std::chrono::steady_clock;

  void Run(const std::stop_token& stop);
  void Show();
  void Clear();

  const int terminal_;
  const bool japanese_, elsewhere_;
  const Clock::time_point begin_ = Clock::now();
  std::mutex mutex_;
  Clock::time_point since_ = begin_;  // of this wait
  bool waits_ = true;
  uint64_t parts_ = 0;
  bool shown_ = false;
  std::condition_variable_any wake_;
  std::jthread thread_;  // the last, since it uses all others
};

// To the beginning of the line, and what stands there is gone.
inline constexpr std::string_view kClearLine = "\r\x1b[K";

// Whether standard error is a terminal that can take a line away again, and the
// answer does not go to a program that uses the same terminal, such as a pager.
bool SomebodyLooks();

// Has calls show that they wait, on standard error.
std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>
ShowWaiting(bool japanese);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_WAITING_H_
