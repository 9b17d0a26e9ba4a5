#include "controller/cli/waiting.h"

#include <fmt/format.h>
#include <grpcpp/support/client_interceptor.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace metsuke::cli {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

constexpr std::chrono::seconds kPatience(1);
bool IsPipe(int descriptor) {
  struct stat info{};
  return fstat(descriptor, &info) == 0 && S_ISFIFO(info.st_mode);
}

void Write(int to, std::string_view text) {
  // What is shown for a moment may be lost.
  [[maybe_unused]] const ssize_t written = write(to, text.data(), text.size());
}

// One call, which ends with its status or is forgotten without.
class WaitingCall : public Interceptor {
 public:
  explicit WaitingCall(bool japanese) {
    waiting_.emplace(STDERR_FILENO, japanese, isatty(STDOUT_FILENO) != 1);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    const auto is = [methods](InterceptionHookPoints point) {
      return methods->QueryInterceptionHookPoint(point);
    };
    if (waiting_ && (is(InterceptionHookPoints::PRE_RECV_MESSAGE) ||
                     is(InterceptionHookPoints::PRE_RECV_STATUS)))
      waiting_->Resume();
    // The end of a stream is a message that is none.
    if (waiting_ && is(InterceptionHookPoints::POST_RECV_MESSAGE) &&
        methods->GetRecvMessage() != nullptr)
      waiting_->Heard();
    if (is(InterceptionHookPoints::POST_RECV_STATUS)) waiting_.reset();
    methods->Proceed();
  }

 private:
  std::optional<Waiting> waiting_;
};

class WaitingCalls : public ClientInterceptorFactoryInterface {
 public:
  explicit WaitingCalls(bool japanese) : japanese_(japanese) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override {
    return new WaitingCall(japanese_);
  }

 private:
  const bool japanese_;
};

}  // namespace

Waiting::Waiting(int terminal, bool japanese, bool elsewhere)
    : terminal_(terminal),
      japanese_(japanese),
      elsewhere_(elsewhere),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Waiting::~Waiting() {
  thread_.request_stop();
  thread_.join();
  Clear();
}

void Waiting::Heard() {
  const std::lock_guard lock(mutex_);
  waits_ = false;
  ++parts_;
  Clear();
}

void Waiting::Resume() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(waits_, true)) return;
  if (!elsewhere_)
    since_ = Clock::now();
  else if (Clock::now() >= begin_ + kPatience)
    Show();
}

void Waiting::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  Clock::time_point next = begin_ + kPatience;
  while (!wake_.wait_until(lock, stop, next,
                           [&stop] { return stop.stop_requested(); })) {
    const Clock::time_point now = Clock::now();
    if (waits_ && now >= since_ + kPatience) Show();
    next = std::max(since_, now) + kPatience;
  }
}

void Waiting::Show() {
  // Whoever was sent to the background is not looked at, and a line that does
  // not fit could not be taken away again.
  constexpr int kWidth = 60;
  winsize size{};
  if (tcgetpgrp(terminal_) != getpgrp() ||
      ioctl(terminal_, TIOCGWINSZ, &size) != 0 ||
      (size.ws_col > 0 && size.ws_col < kWidth))
    return;
  const auto waited =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin_);
  const std::string text =
      japanese_
          ? fmt::format("コントローラーの応答を待っています: {} 秒、受信 {} 件",
                        waited.count(), parts_)
          : fmt::format("waiting for the controller: {} s, {} parts received",
                        waited.count(), parts_);
  Write(terminal_, std::string(kClearLine) + text);
  shown_ = true;
}

void Waiting::Clear() {
  if (!shown_) return;
  Write(terminal_, kClearLine);
  shown_ = false;
}

bool SomebodyLooks() {
  const char* const kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind != nullptr &&
         kind != std::string_view("dumb") && !IsPipe(STDOUT_FILENO);
}

std::unique_ptr<ClientInterceptorFactoryInterface> ShowWaiting(bool japanese) {
  return std::make_unique<WaitingCalls>(japanese);
}

}  // namespace metsuke::cli
