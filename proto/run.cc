#include "proto/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <boost/asio/io_context.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/src.hpp>
#include <boost/process/v2/start_dir.hpp>
#include <boost/process/v2/stdio.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace metsuke {
namespace {

namespace asio = boost::asio;
namespace bp = boost::process::v2;
using ErrorCode = boost::system::error_code;

// How long after a program ended, or was killed, something else may hold its
// output open.
constexpr auto kGrace = std::chrono::milliseconds(200);
constexpr size_t kKeptError = 1024;

// Everything above standard error is closed by exec: Boost 1.81 to 1.83 passes
// the parent's descriptors on to the child (fixed by boostorg/process#360).
void CloseOnExec() {
  if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  const int most = static_cast<int>(sysconf(_SC_OPEN_MAX));  // before Linux 5.11
  for (int fd = 3; fd < most; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// Gives up all capabilities but CAP_DAC_READ_SEARCH, and that one too unless
// `reads_everything`. With "no new privileges" exec gives none back, not even to
// root (cap_bprm_creds_from_file of the kernel); were any gained, the kernel
// would also forget PR_SET_PDEATHSIG.
bool KeepCapabilities(bool reads_everything) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return false;
  // Who has none need not give any up, and in a sandbox may not even ask to.
  if ((sets[0].permitted | sets[1].permitted | sets[0].inheritable |
       sets[1].inheritable) == 0)
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  const uint32_t kept =
      reads_everything ? sets[0].permitted & (1u << CAP_DAC_READ_SEARCH) : 0;
  sets[0] = {kept, kept, kept};
  sets[1] = {};
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_capset, &header, sets) != 0)
    return false;
  if (kept != 0)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0);
  return true;
}

// A program may map as much as is allowed to anybody here; the limit of its
// caller may be a lower one.
void AllowMemory() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_AS, &limit);
}

// What happens in the child between fork and exec.
struct ChildSetup {
  pid_t parent;
  bool reads_everything;

  template <typename Launcher>
  ErrorCode on_exec_setup(Launcher&, const boost::filesystem::path&,
                          const char* const*) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    AllowMemory();
    if (!KeepCapabilities(reads_everything)) _exit(127);
    CloseOnExec();
    return {};
  }
  // The exit handlers are the parent's.
  template <typename Launcher>
  void on_exec_error(Launcher&, const boost::filesystem::path&,
                     const char* const*, const ErrorCode&) {
    _exit(127);
  }
};

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<FILE, CloseFile>;

// A file without a name that holds `bytes`, at its beginning: unlike a pipe it
// needs nobody who goes on writing.
FilePtr Input(std::string_view bytes) {
  FilePtr file(bytes.empty() ? std::fopen("/dev/null", "re")
                             : fdopen(memfd_create("input", MFD_CLOEXEC), "w+"));
  if (file == nullptr ||
      std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
      std::fflush(file.get()) != 0)
    throw boost::system::system_error(errno, boost::system::system_category());
  std::rewind(file.get());
  return file;
}

std::vector<std::string> Environment(const RunOptions& options) {
  std::vector<std::string> environment = {
      "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  if (!options.temporary.empty())
    environment.push_back("TMPDIR=" + options.temporary);
  return environment;
}

// One end of a pipe that is read until its other end is closed.
struct Drain {
  asio::readable_pipe pipe;
  std::string text;
  size_t cap;
  std::array<char, 16384> buffer;
  bool open = true;
  bool overflowed = false;
};

// A program while it runs.
class Running {
 public:
  Running(const std::vector<std::string>& argv, const RunOptions& options)
      : argv_(argv), options_(options) {}

  absl::StatusOr<std::string> Finish() {
    const FilePtr input = Input(options_.input);
    bp::process process(
        context_, argv_[0],
        std::vector<std::string>(argv_.begin() + 1, argv_.end()),
        bp::process_stdio{input.get(), out_.pipe, err_.pipe},
        bp::process_environment(environment_), bp::process_start_dir("/"),
        ChildSetup{getpid(), options_.reads_everything});
    pid_ = process.id();
    Read(out_);
    Read(err_);
    deadline_.expires_after(options_.deadline);
    deadline_.async_wait([this](const ErrorCode& error) {
      if (!error) timed_out_ = true, Kill();
    });
    process.async_wait([&](const ErrorCode&, int) {
      exited_ = true;
      LetGo();
    });
    context_.run();
    if (!exited_) process.detach();  // it sleeps where no signal reaches it
    return Result(process.native_exit_code());
  }

 private:
  // Reads on until the end of `drain`; what is above the cap is thrown away.
  void Read(Drain& drain) {
    drain.pipe.async_read_some(
        asio::buffer(drain.buffer), [&](const ErrorCode& error, size_t got) {
          if (error) {
            drain.open = false;
            if (exited_ && !out_.open && !err_.open) context_.stop();
            return;
          }
          const size_t room = drain.cap - drain.text.size();
          drain.text.append(drain.buffer.data(), std::min(room, got));
          if (got > room) {
            drain.overflowed = true;
            if (&drain == &out_ && !exited_) Kill();
          }
          Read(drain);
        });
  }

  void Kill() {
    kill(-pid_, SIGKILL);
    LetGo();
  }

  // The program is gone or going: what it left behind gets a moment to close
  // the pipes, and is then killed or left alone.
  void LetGo() {
    if (exited_ && !out_.open && !err_.open) return context_.stop();
    grace_.expires_after(kGrace);
    grace_.async_wait([this](const ErrorCode& error) {
      if (error) return;
      if (out_.open || err_.open) kill(-pid_, SIGKILL);
      context_.stop();
    });
  }

  absl::StatusOr<std::string> Result(int status) {
    if (timed_out_)
      return absl::DeadlineExceededError(fmt::format(
          "{}: not done after {} ms", argv_[0], options_.deadline.count()));
    if (out_.overflowed || (options_.with_errors && err_.overflowed))
      return absl::ResourceExhaustedError(fmt::format(
          "{}: printed more than {} bytes", argv_[0], options_.cap));
    const auto& fine = options_.accepted_codes;
    if (WIFEXITED(status) &&
        (WEXITSTATUS(status) == 0 ||
         std::find(fine.begin(), fine.end(), WEXITSTATUS(status)) !=
             fine.end()))
      return out_.text + (options_.with_errors ? err_.text : "");
    const std::string how =
        WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                            : fmt::format("exit code {}", WEXITSTATUS(status));
    while (!err_.text.empty() && err_.text.back() == '\n') err_.text.pop_back();
    return absl::UnavailableError(fmt::format(
        "{}: {}{}{}", argv_[0], how, err_.text.empty() ? "" : ": ",
        err_.text.substr(0, kKeptError)));
  }

  const std::vector<std::string>& argv_;
  const RunOptions& options_;
  const std::vector<std::string> environment_ = Environment(options_);
  asio::io_context context_{1};
  Drain out_{asio::readable_pipe(context_), "", options_.cap, {}};
  Drain err_{asio::readable_pipe(context_), "",
             options_.with_errors ? options_.cap : kKeptError, {}};
  asio::steady_timer deadline_{context_}, grace_{context_};
  pid_t pid_ = 0;
  bool exited_ = false;
  bool timed_out_ = false;
};

}  // namespace

absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& argv,
                                       const RunOptions& options) {
  try {
    return Running(argv, options).Finish();
  } catch (const boost::system::system_error& error) {
    const std::string what = fmt::format("{}: {}", argv[0], error.code().message());
    if (error.code() == boost::system::errc::no_such_file_or_directory)
      return absl::NotFoundError(what);
    if (error.code() == boost::system::errc::permission_denied)
      return absl::PermissionDeniedError(what);
    return absl::UnavailableError(what);
  }
}

std::string OwnProgram(const std::string& name) {
  boost::system::error_code error;
  const auto self = boost::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

}  // namespace metsuke
