#include "collectors/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "collectors/errno_status.h"
#include "collectors/outcome.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// One table with its gaps and what was read. The answer of all of them
// together is held to the cap of the channel.
constexpr size_t kMaxOutcome = 32 << 20;
// How long a child may take to die after it closed its pipe, or was killed.
constexpr auto kToDie = std::chrono::milliseconds(200);

int CpuSeconds(const WorkerLimits& limits) {
  return static_cast<int>((limits.deadline.count() + 999) / 1000);
}

void SetLimit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit limit{soft, hard};
  setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
}

// What the child is allowed. Only ever less than before, so nothing can fail
// that must not.
void Confine([[maybe_unused]] const WorkerLimits& limits) {
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP})
    signal(signal_number, SIG_DFL);
  SetLimit(RLIMIT_CORE, 0, 0);
// The shadow memory of a sanitizer is terabytes of address space.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (limits.address_space != 0)
    SetLimit(RLIMIT_AS, limits.address_space,
             std::max(limits.address_space, limits.program_address_space));
#endif
}

// From now on the process may use so much more CPU.
void AllowCpu(const WorkerLimits& limits) {
  rusage used{};
  rlimit now{};
  getrusage(RUSAGE_SELF, &used);
  getrlimit(RLIMIT_CPU, &now);
  const auto seconds = static_cast<rlim_t>(used.ru_utime.tv_sec +
                                           used.ru_stime.tv_sec +
                                           CpuSeconds(limits));
  SetLimit(RLIMIT_CPU, std::min(seconds, now.rlim_max), now.rlim_max);
}

// Length and bytes; the length tells a whole answer from the beginning of one.
void Send(int pipe, const v1::Outcome& outcome) {
  const std::string bytes = outcome.SerializeAsString();
  const uint64_t size = bytes.size();
  std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
  frame += bytes;
  for (size_t at = 0; at < frame.size();) {
    const ssize_t put = write(pipe, frame.data() + at, frame.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return;
    at += static_cast<size_t>(put);
  }
}

[[noreturn]] void RunChild(const Worker::Batch& batch,
                           const WorkerLimits& limits, const Worker::Run& run,
                           pid_t parent, int pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  Confine(limits);
  try {
    for (const Collector* collector : batch) {
      prctl(PR_SET_NAME, std::string(collector->table).c_str());
      AllowCpu(limits);
      Send(pipe, run(*collector));
    }
  } catch (...) {
    // Not even room for the answer; the parent sees that there is none.
    _exit(2);
  }
  _exit(0);
}

// Whether the child died before its time to do so was over.
bool Reap(pid_t child, int* status) {
  const auto patience = Worker::Clock::now() + kToDie;
  while (waitpid(child, status, WNOHANG) == 0) {
    if (Worker::Clock::now() >= patience) return false;
    usleep(1000);
  }
  return true;
}

}  // namespace

Worker::Worker(pid_t child, Descriptor pipe, Batch batch,
               const WorkerLimits& limits)
    : child_(child),
      pipe_(std::move(pipe)),
      queue_(std::move(batch)),
      limits_(limits),
      began_(Clock::now()) {}

Worker::Worker(Worker&& other) noexcept
    : child_(std::exchange(other.child_, 0)),
      stuck_(other.stuck_),
      pipe_(std::move(other.pipe_)),
      queue_(std::move(other.queue_)),
      limits_(other.limits_),
      began_(other.began_),
      received_(std::move(other.received_)),
      ended_(other.ended_),
      too_much_(other.too_much_) {}

Worker::~Worker() {
  if (child_ > 0) Finish();
}

absl::StatusOr<Worker> Worker::Start(Batch batch, const WorkerLimits& limits,
                                     const Run& run) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  Descriptor reader(ends[0]), writer(ends[1]);
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, "fork");
  if (child == 0) RunChild(batch, limits, run, parent, writer.get());
  return Worker(child, std::move(reader), std::move(batch), limits);
}

// Takes one whole answer out of what was received, if there is one.
bool Worker::TakeOne(std::vector<Answer>& answers) {
  uint64_t size = 0;
  if (queue_.empty() || received_.size() < sizeof size) return false;
  memcpy(&size, received_.data(), sizeof size);
  if (size > kMaxOutcome) ended_ = too_much_ = true;
  if (too_much_ || received_.size() - sizeof size < size) return false;
  v1::Outcome outcome;
  if (!outcome.ParseFromArray(received_.data() + sizeof size,
                              static_cast<int>(size))) {
    ended_ = true;
    return false;
  }
  received_.erase(0, sizeof size + size);
  answers.emplace_back(queue_.front(), std::move(outcome));
  queue_.pop_front();
  began_ = Clock::now();
  return true;
}

std::vector<Worker::Answer> Worker::Receive() {
  std::vector<Answer> answers;
  char buffer[65536];
  while (!ended_) {
    const ssize_t got = read(pipe_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) ended_ = true;
    if (got > 0) received_.append(buffer, static_cast<size_t>(got));
    while (TakeOne(answers)) {
    }
  }
  return answers;
}

absl::Status Worker::HowItEnded(int status) const {
  if (too_much_)
    return absl::ResourceExhaustedError(
        fmt::format("collector found more than {} bytes", kMaxOutcome));
  if (!ended_ && Clock::now() < until())
    return absl::DeadlineExceededError(
        "collector cut off: the time of the cycle was over");
  if (!ended_)
    return absl::DeadlineExceededError(fmt::format(
        "collector not done after {} ms", limits_.deadline.count()));
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
    return absl::DeadlineExceededError(fmt::format(
        "collector used more than {} s of CPU", CpuSeconds(limits_)));
  if (WIFSIGNALED(status))
    return absl::InternalError(
        fmt::format("collector crashed (signal {})", WTERMSIG(status)));
  return absl::InternalError(fmt::format(
      "collector ended without an answer (exit code {})", WEXITSTATUS(status)));
}

std::optional<Worker::Answer> Worker::Finish() {
  int status = 0;
  // One that crashed tells how, if it is given the time to die by itself.
  bool reaped = ended_ && !too_much_ && Reap(child_, &status);
  if (!reaped) {
    kill(child_, SIGKILL);
    reaped = Reap(child_, &status);
  }
  if (!reaped) stuck_ = child_;
  child_ = 0;
  if (queue_.empty()) return std::nullopt;
  Answer answer(queue_.front(), Failed(HowItEnded(status)));
  queue_.pop_front();
  return answer;
}

}  // namespace metsuke
