#include "collectors/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collectors/errno_status.h"
#include "collectors/netlink.h"
#include "collectors/recording.h"
#include "proto/run.h"
#include "collectors/safe_open.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kMaxNames = 65536;

// Something on the host, opened with O_PATH and looked at.
struct Found {
  Descriptor fd;
  FileInfo info;
  // Whether its times mean nothing.
  bool Live() const { return OnLiveFileSystem(fd.get()); }
};

absl::StatusOr<Found> Look(const SafeTree& tree, std::string_view home,
                           std::string_view path, bool follow) {
  absl::StatusOr<Opened> opened = home.empty()
                                      ? tree.OpenSystem(path, follow)
                                      : tree.OpenBelow(home, path);
  RETURN_IF_ERROR(opened.status());
  ASSIGN_OR_RETURN(const FileInfo info, InfoOf(opened->fd.get(), path));
  return Found{std::move(opened->fd), info};
}

// The same, remembered in `recording` if there is one.
absl::StatusOr<Found> Find(const SafeTree& tree, Recording* recording,
                           std::string_view home, std::string_view path,
                           bool follow = true) {
  absl::StatusOr<Found> found = Look(tree, home, path, follow);
  if (recording != nullptr && !recording->live()) {
    if (found.ok() && found->Live()) recording->SetLive();
    recording->Saw(home, path, follow,
                   found.ok() ? absl::StatusOr<FileInfo>(found->info)
                              : found.status());
  }
  return found;
}

absl::Status Demand(FileInfo::Kind wanted, const Found& found,
                    std::string_view path) {
  if (found.info.kind == wanted) return absl::OkStatus();
  constexpr std::string_view kNames[] = {"a regular file", "a folder",
                                         "a symlink",      "a FIFO",
                                         "a socket",       "a device"};
  return absl::FailedPreconditionError(
      fmt::format("{}: is {}, not {}", path,
                  kNames[static_cast<int>(found.info.kind)],
                  kNames[static_cast<int>(wanted)]));
}

// Up to `most` bytes of `fd` from `offset` on.
absl::StatusOr<std::string> Bytes(int fd, int64_t offset, size_t most,
                                  std::string_view path) {
  std::string bytes;
  while (bytes.size() < most) {
    const size_t at = bytes.size();
    bytes.resize(std::min(most, at + std::max<size_t>(at, 4096)));
    const ssize_t got = pread(fd, bytes.data() + at, bytes.size() - at,
                              offset + static_cast<int64_t>(at));
    if (got < 0 && errno == EINTR) {
      bytes.resize(at);
      continue;
    }
    if (got < 0) return ErrnoStatus(errno, path);
    bytes.resize(at + static_cast<size_t>(got));
    if (got == 0) break;
  }
  return bytes;
}

absl::Status TooLarge(std::string_view path, size_t cap) {
  return absl::ResourceExhaustedError(
      fmt::format("{}: larger than {} bytes", path, cap));
}

// The whole file, or Aborted when it changed meanwhile.
absl::StatusOr<std::string> WholeFile(const Found& found, size_t cap,
                                      std::string_view path) {
  ASSIGN_OR_RETURN(const Descriptor fd, OpenToRead(found.fd.get(), 0, path));
  ASSIGN_OR_RETURN(const FileInfo before, InfoOf(fd.get(), path));
  const bool live = found.Live();
  if (!live && before.size > static_cast<int64_t>(cap))
    return TooLarge(path, cap);
  ASSIGN_OR_RETURN(std::string bytes, Bytes(fd.get(), 0, cap + 1, path));
  if (bytes.size() > cap) return TooLarge(path, cap);
  if (live) return bytes;
  ASSIGN_OR_RETURN(const FileInfo after, InfoOf(fd.get(), path));
  if (before.size != after.size || before.modified != after.modified ||
      before.modified_nanos != after.modified_nanos ||
      static_cast<int64_t>(bytes.size()) != after.size)
    return absl::AbortedError(
        fmt::format("{}: changed while it was read", path));
  return bytes;
}

// A user can make a hard link to a file of somebody else, and so have it read
// as if it were his.
absl::Status RefuseForeignLink(const SafeTree& tree, std::string_view home,
                               const Found& found, std::string_view path) {
  if (found.info.links < 2) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Found top, Look(tree, "", home, /*follow=*/true));
  if (top.info.uid == found.info.uid) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{}: a hard link to a file of uid {}", path, found.info.uid));
}

absl::StatusOr<struct statvfs> FileSystemOf(const Descriptor& folder,
                                            std::string_view path) {
  struct statvfs facts;
  if (fstatvfs(folder.get(), &facts) != 0) return ErrnoStatus(errno, path);
  return facts;
}

absl::Status NotRunning() {
  return absl::UnavailableError("this is an image, not a running host");
}

absl::StatusOr<std::vector<std::string>> NamesIn(Descriptor fd,
                                                 std::string_view path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(fd.get()),
                                                   closedir);
  if (folder == nullptr) return ErrnoStatus(errno, path);
  fd.Release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == kMaxNames)
      return absl::ResourceExhaustedError(
          fmt::format("{}: more than {} names", path, kMaxNames));
    names.push_back(ToUtf8(name));
    errno = 0;
  }
  if (errno != 0) return ErrnoStatus(errno, path);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Host::Host(boost::filesystem::path root)
    : root_(std::move(root)), tree_(std::make_unique<SafeTree>(root_)) {}

Host::~Host() = default;

absl::StatusOr<std::string> Host::Read(std::string_view path,
                                       size_t cap) const {
  ASSIGN_OR_RETURN(const std::string bytes, ReadAll("", path, cap));
  return ToUtf8(bytes);
}

absl::StatusOr<std::string> Host::ReadBelow(std::string_view home,
                                            std::string_view path,
                                            size_t cap) const {
  ASSIGN_OR_RETURN(const std::string bytes, ReadAll(home, path, cap));
  return ToUtf8(bytes);
}

absl::StatusOr<std::string> Host::ReadAll(std::string_view home,
                                          std::string_view path,
                                          size_t cap) const {
  absl::StatusOr<std::string> bytes;
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSIGN_OR_RETURN(const Found found,
                     Find(*tree_, recording_.get(), home, path));
    RETURN_IF_ERROR(Demand(FileInfo::Kind::kRegular, found, path));
    if (!home.empty())
      RETURN_IF_ERROR(RefuseForeignLink(*tree_, home, found, path));
    bytes = WholeFile(found, cap, path);
    if (!absl::IsAborted(bytes.status())) return bytes;
  }
  ReadLive();
  return bytes;
}

absl::StatusOr<std::string> Host::ReadBytes(std::string_view path,
                                            int64_t offset,
                                            size_t length) const {
  ASSIGN_OR_RETURN(const Found found,
                   Find(*tree_, recording_.get(), "", path));
  RETURN_IF_ERROR(Demand(FileInfo::Kind::kRegular, found, path));
  ASSIGN_OR_RETURN(const Descriptor fd, OpenToRead(found.fd.get(), 0, path));
  ASSIGN_OR_RETURN(const FileInfo now, InfoOf(fd.get(), path));
  if (offset < 0) offset = std::max<int64_t>(0, now.size + offset);
  return Bytes(fd.get(), offset, length, path);
}

std::string Host::Remember(const std::string& what, const std::string& path,
                           const std::function<std::string()>& find) const {
  if (recording_ == nullptr) return find();
  Recording inputs;
  (void)Find(*tree_, &inputs, "", path);
  recording_->Add(inputs);
  const std::vector<std::string> question = {what, path};
  const v1::Answer* const known = AnswerTo(question);
  const std::string answer = known != nullptr ? known->output() : find();
  if (!answer.empty()) recording_->Answered(question, answer, inputs);
  return answer;
}

absl::StatusOr<std::vector<std::string>> Host::List(
    std::string_view path) const {
  ASSIGN_OR_RETURN(const Found found,
                   Find(*tree_, recording_.get(), "", path));
  RETURN_IF_ERROR(Demand(FileInfo::Kind::kDirectory, found, path));
  ASSIGN_OR_RETURN(Descriptor fd,
                   OpenToRead(found.fd.get(), O_DIRECTORY, path));
  return NamesIn(std::move(fd), path);
}

absl::StatusOr<FileInfo> Host::Stat(std::string_view path) const {
  ASSIGN_OR_RETURN(const Found found,
                   Find(*tree_, recording_.get(), "", path));
  return found.info;
}

absl::StatusOr<FileInfo> Host::StatBelow(std::string_view home,
                                         std::string_view path) const {
  ASSIGN_OR_RETURN(const Found found,
                   Find(*tree_, recording_.get(), home, path));
  return found.info;
}

absl::StatusOr<bool> Host::Exists(std::string_view path) const {
  const absl::Status seen = Stat(path).status();
  if (absl::IsNotFound(seen)) return false;
  RETURN_IF_ERROR(seen);
  return true;
}

absl::StatusOr<std::string> Host::ReadLink(std::string_view path) const {
  ASSIGN_OR_RETURN(const Found found, Find(*tree_, recording_.get(), "", path,
                                           /*follow=*/false));
  RETURN_IF_ERROR(Demand(FileInfo::Kind::kSymlink, found, path));
  char target[PATH_MAX];
  const ssize_t size =
      readlinkat(found.fd.get(), "", target, sizeof target);
  if (size < 0) return ErrnoStatus(errno, path);
  return ToUtf8(std::string_view(target, static_cast<size_t>(size)));
}

absl::StatusOr<int> Host::OpenDirectory(std::string_view path) const {
  ASSIGN_OR_RETURN(const Found found,
                   Find(*tree_, recording_.get(), "", path));
  RETURN_IF_ERROR(Demand(FileInfo::Kind::kDirectory, found, path));
  ReadLive();  // what the library reads in it is not seen here
  ASSIGN_OR_RETURN(Descriptor fd,
                   OpenToRead(found.fd.get(), O_DIRECTORY, path));
  return fd.Release();
}

absl::StatusOr<std::string> Host::Run(const std::vector<std::string>& argv,
                                      const RunOptions& options) const {
  if (argv.empty() || !argv[0].starts_with('/'))
    return absl::InvalidArgumentError("a program is run by its absolute path");
  if (options.deadline > kLongestRun)
    return absl::InvalidArgumentError(
        fmt::format("{}: no program runs for more than {} s", argv[0],
                    kLongestRun.count()));
  ASSIGN_OR_RETURN(const std::string bytes, RunForBytes(argv, options));
  return ToUtf8(bytes);
}

absl::StatusOr<std::string> Host::RunForBytes(
    const std::vector<std::string>& argv, const RunOptions& options) const {
  if (!Running()) return NotRunning();
  // Before it runs, so that a change while it runs is not missed; a missing
  // input is remembered as such.
  Recording inputs;
  const absl::StatusOr<Found> program = Find(*tree_, &inputs, "", argv[0]);
  for (const std::string& input : options.inputs)
    (void)Find(*tree_, &inputs, "", input);
  if (options.inputs.empty()) inputs.SetLive();
  if (recording_ != nullptr) recording_->Add(inputs);
  RETURN_IF_ERROR(program.status());
  RETURN_IF_ERROR(Demand(FileInfo::Kind::kRegular, *program, argv[0]));
  const v1::Answer* const known = AnswerTo(argv);
  ASSIGN_OR_RETURN(const std::string output, known != nullptr
                                                 ? known->output()
                                                 : RunProgram(argv, options));
  if (recording_ != nullptr) recording_->Answered(argv, output, inputs);
  return output;
}

absl::StatusOr<std::string> Host::Netlink(std::string_view name, int protocol,
                                          std::string_view request) const {
  if (!Running()) return NotRunning();
  ReadLive();
  return AskNetlink(name, protocol, request);
}

absl::StatusOr<KernelFacts> Host::Kernel() const {
  if (!Running()) return NotRunning();
  ReadLive();
  utsname names;
  if (uname(&names) != 0) return ErrnoStatus(errno, "uname");
  KernelFacts facts{ToUtf8(names.nodename), ToUtf8(names.release),
                    ToUtf8(names.machine), false};
  timex clock{};
  if (adjtimex(&clock) < 0)
    facts.clock_synchronized = ErrnoStatus(errno, "adjtimex");
  else
    facts.clock_synchronized = (clock.status & STA_UNSYNC) == 0;
  return facts;
}

absl::StatusOr<FileSystemRoom> Host::FileSystem(std::string_view folder) const {
  if (!Running()) return NotRunning();
  ASSIGN_OR_RETURN(const int opened, OpenDirectory(folder));
  ASSIGN_OR_RETURN(const struct statvfs facts,
                   FileSystemOf(Descriptor(opened), folder));
  return FileSystemRoom{
      .bytes = static_cast<int64_t>(facts.f_blocks * facts.f_frsize),
      .free = static_cast<int64_t>(facts.f_bavail * facts.f_frsize)};
}

absl::StatusOr<int> Host::Bus() const {
  constexpr char kBus[] = "/run/dbus/system_bus_socket";
  if (!Running()) return NotRunning();
  ReadLive();
  ASSIGN_OR_RETURN(const Found found, Find(*tree_, nullptr, "", kBus));
  RETURN_IF_ERROR(Demand(FileInfo::Kind::kSocket, found, kBus));
  Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return ErrnoStatus(errno, kBus);
  // connect(2) waits for the server as long as a write would.
  const timeval patience{2, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1,
                   "/proc/self/fd/{}", found.fd.get());
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
              sizeof address) != 0)
    return errno == ECONNREFUSED
               ? absl::NotFoundError("no bus answers on the host")
               : ErrnoStatus(errno, kBus);
  return fd.Release();
}

bool Host::Unchanged(const Recording& recording) const {
  if (recording.live()) return false;
  const uint64_t heartbeat = recording.ToProto().heartbeat();
  if (heartbeat != 0 && heartbeat != heartbeat_) return false;
  for (const v1::Sighting& was : recording.ToProto().sightings()) {
    const absl::StatusOr<Found> found =
        Look(*tree_, was.home(), was.path(), was.followed());
    v1::Sighting is = Signature(
        found.ok() ? absl::StatusOr<FileInfo>(found->info) : found.status());
    if (is.code() != was.code() || is.device() != was.device() ||
        is.inode() != was.inode() || is.size() != was.size() ||
        is.modified() != was.modified() || is.changed() != was.changed())
      return false;
  }
  // What this asks is no reading of a collector.
  const Unrecorded unrecorded(*this);
  return std::ranges::all_of(
      recording.ToProto().questions(), [&](const v1::Question& was) {
        return HasAnswer(
            was, Netlink(was.name(), was.protocol(), was.request()));
      });
}

}  // namespace metsuke
