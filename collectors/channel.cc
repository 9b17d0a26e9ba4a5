#include "collectors/channel.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "collectors/errno_status.h"
#include "collectors/packets.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// How long an asker may be silent; it holds up the next one.
constexpr auto kPatience = std::chrono::seconds(5);

// Lets `user` open `path` beside its owner: the access control list
// user::rw-, user:UID:rw-, group::---, mask::rw-, other::--- in the form of
// linux/posix_acl_xattr.h. An owner may set it, while chown needs privilege.
int AllowUser(const std::string& path, uid_t user) {
  struct Entry {
    uint16_t tag, permissions;
    uint32_t id;
  };
  struct {
    uint32_t version = 2;
    std::array<Entry, 5> entries;
  } list;
  list.entries = {{{0x01, 6, ~0u},
                   {0x02, 6, user},
                   {0x04, 0, ~0u},
                   {0x10, 6, ~0u},
                   {0x20, 0, ~0u}}};
  return setxattr(path.c_str(), "system.posix_acl_access", &list, sizeof list,
                  0);
}

absl::Status BindTo(int fd, const std::string& path,
                    const sockaddr_un& address) {
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  const mode_t before = umask(0177);
  int bound = bind(fd, raw, sizeof address);
  if (bound != 0 && errno == EADDRINUSE) {
    const Descriptor probe(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (connect(probe.get(), raw, sizeof address) == 0) {
      umask(before);
      return absl::AlreadyExistsError(
          fmt::format("{}: somebody listens there already", path));
    }
    struct stat info;
    const bool left_over = errno == ECONNREFUSED &&
                           lstat(path.c_str(), &info) == 0 &&
                           S_ISSOCK(info.st_mode);
    if (left_over && unlink(path.c_str()) == 0)
      bound = bind(fd, raw, sizeof address);
    else
      errno = EADDRINUSE;
  }
  const int error = errno;
  umask(before);
  return bound == 0 ? absl::OkStatus() : ErrnoStatus(error, path);
}

absl::Status CheckPeer(int fd, uid_t agent) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return ErrnoStatus(errno, "who asks");
  if (peer.uid == 0 || peer.uid == agent) return absl::OkStatus();
  return absl::PermissionDeniedError(
      fmt::format("uid {} asked and was not answered", peer.uid));
}

absl::StatusOr<Question> TakeQuestion(int fd) {
  Question question;
  ssize_t got;
  do {
    got = recv(fd, &question, sizeof question, MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return ErrnoStatus(errno, "question");
  if (got != sizeof question || question.magic != kChannelMagic)
    return absl::InvalidArgumentError("question: not of this protocol");
  if (question.version != kChannelVersion)
    return absl::InvalidArgumentError(
        fmt::format("question: version {} of the protocol, this is version {}",
                    question.version, kChannelVersion));
  return question;
}

}  // namespace

ChannelListener::ChannelListener(Descriptor socket, uid_t agent)
    : socket_(std::move(socket)), agent_(agent) {}

absl::StatusOr<ChannelListener> ChannelListener::Bind(const std::string& path, uid_t agent) {
  ASSIGN_OR_RETURN(const sockaddr_un address, SocketAddress(path));
  Descriptor fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return ErrnoStatus(errno, "socket");
  RETURN_IF_ERROR(BindTo(fd.get(), path, address));
  if (agent != geteuid() && agent != 0 && AllowUser(path, agent) != 0)
    return Annotate(ErrnoStatus(errno, path),
                    fmt::format("cannot let uid {} open the socket", agent));
  if (listen(fd.get(), 8) != 0) return ErrnoStatus(errno, path);
  return ChannelListener(std::move(fd), agent);
}

absl::Status ChannelListener::Serve(const Answer& answer) {
  Descriptor asker(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!asker) {
    const int error = errno;
    if (error == EBADF || error == EINVAL || error == ENOTSOCK ||
        error == EOPNOTSUPP)
      return absl::InternalError(Message(ErrnoStatus(error, "accept")));
    // Without descriptors or memory the next try fails at once, too.
    if (error != EINTR && error != ECONNABORTED) usleep(50'000);
    return ErrnoStatus(error, "accept");
  }
  SetPatience(asker.get(), kPatience);
  RETURN_IF_ERROR(CheckPeer(asker.get(), agent_));
  const auto question = TakeQuestion(asker.get());
  if (!question.ok()) {
    (void)SendPackets(asker.get(), kRefusal, Message(question.status()));
    return question.status();
  }
  const std::string bytes = answer(question->inquiry).SerializeAsString();
  if (bytes.size() <= kMaxAnswer)
    return SendPackets(asker.get(), kPart, bytes);
  const std::string why =
      fmt::format("the tables have {} bytes, more than {}", bytes.size(),
                  kMaxAnswer);
  (void)SendPackets(asker.get(), kRefusal, why);
  return absl::ResourceExhaustedError(why);
}

absl::StatusOr<v1::Collected> Ask(const std::string& path,
                                  const Inquiry& inquiry,
                                  std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  ASSIGN_OR_RETURN(const sockaddr_un address, SocketAddress(path));
  const Descriptor fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return ErrnoStatus(errno, "socket");
  SetPatience(fd.get(), deadline);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof address) != 0)
    return ErrnoStatus(errno, fmt::format("metsuke-collect on {}", path));
  const Question question{kChannelMagic, kChannelVersion, inquiry};
  if (send(fd.get(), &question, sizeof question, MSG_NOSIGNAL) < 0)
    return ErrnoStatus(errno, fmt::format("metsuke-collect on {}", path));
  auto bytes = TakePackets(fd.get(), until);
  if (!bytes.ok())
    return Annotate(bytes.status(), fmt::format("metsuke-collect on {}", path));
  v1::Collected collected;
  if (!collected.ParseFromString(*bytes))
    return absl::UnavailableError(
        fmt::format("metsuke-collect on {}: an answer that cannot be read",
                    path));
  return collected;
}

}  // namespace metsuke
