#include "proto/framed_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proto/address.h"
#include "proto/status.h"

namespace metsuke {
namespace {

absl::Status Gone() {
  return absl::UnavailableError("the other side closed the connection");
}

absl::Status TooLarge() {
  return absl::ResourceExhaustedError("a message larger than 16 KiB");
}

absl::Status Errno(const std::string& what) {
  return absl::UnavailableError(
      fmt::format("{}: {}", what, Message(absl::ErrnoToStatus(errno, ""))));
}

}  // namespace

FramedSocket::FramedSocket(int fd, Deadline deadline)
    : fd_(fd), deadline_(deadline) {
  // Only with O_NONBLOCK is no call of OpenSSL longer than poll(2) allows.
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  fcntl(fd_, F_SETFD, FD_CLOEXEC);
}

FramedSocket::~FramedSocket() {
  if (tls_ != nullptr) SSL_shutdown(tls_.get());
  ERR_clear_error();
  if (fd_ >= 0) close(fd_);
}

FramedSocket::FramedSocket(FramedSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      deadline_(other.deadline_),
      tls_(std::move(other.tls_)) {}

absl::StatusOr<FramedSocket> FramedSocket::ConnectUnix(const std::string& path,
                                                       Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return absl::InvalidArgumentError(path + ": too long for a unix socket");
  path.copy(address.sun_path, path.size());
  FramedSocket made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), deadline);
  if (made.fd_ < 0) return Errno("make a socket");
  // On a unix socket EAGAIN means that the queue of the listener is full, and
  // poll(2) does not tell when it no longer is.
  while (connect(made.fd_, reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)) != 0) {
    if (errno != EAGAIN && errno != EINTR)
      return absl::ErrnoToStatus(errno, path);
    if (std::chrono::steady_clock::now() > deadline)
      return absl::DeadlineExceededError(path + ": too busy");
    usleep(2000);
  }
  return made;
}

absl::StatusOr<FramedSocket> FramedSocket::ConnectTcp(
    const std::string& address, Deadline deadline) {
  ASSIGN_OR_RETURN(const AddressList list, Resolve(address, false));
  absl::Status failed;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    FramedSocket made(
        socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP),
        deadline);
    if (made.fd_ < 0) return Errno("make a socket");
    if (connect(made.fd_, one->ai_addr, one->ai_addrlen) == 0) return made;
    if (errno != EINPROGRESS) {
      failed = Errno(address);
      continue;
    }
    RETURN_IF_ERROR(Annotate(made.Wait(POLLOUT), address));
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(made.fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return made;
    errno = error;
    failed = Errno(address);
  }
  return failed;
}

absl::Status FramedSocket::Wait(short events) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline_ - std::chrono::steady_clock::now());
    pollfd one{fd_, events, 0};
    const int ready =
        left.count() <= 0 ? 0 : poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::DeadlineExceededError("it took too long");
    if (errno != EINTR) return Errno("wait");
  }
}

absl::Status FramedSocket::WaitForTls(int result, const char* what) {
  const int error = SSL_get_error(tls_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Wait(POLLIN);
  if (error == SSL_ERROR_WANT_WRITE) return Wait(POLLOUT);
  if (error == SSL_ERROR_SSL)
    return absl::UnavailableError(fmt::format("{}: {}", what, OpenSslReason()));
  return Gone();
}

absl::Status FramedSocket::Handshake(SSL_CTX* context, bool server) {
  tls_.reset(SSL_new(context));
  if (tls_ == nullptr || SSL_set_fd(tls_.get(), fd_) != 1)
    return absl::ResourceExhaustedError("TLS: " + OpenSslReason());
  for (;;) {
    ERR_clear_error();
    const int result =
        server ? SSL_accept(tls_.get()) : SSL_connect(tls_.get());
    if (result == 1) return absl::OkStatus();
    RETURN_IF_ERROR(WaitForTls(result, "TLS handshake"));
  }
}

absl::Status FramedSocket::AcceptTls(SSL_CTX* context) {
  return Handshake(context, true);
}

absl::Status FramedSocket::ConnectTls(SSL_CTX* context) {
  return Handshake(context, false);
}

absl::Status FramedSocket::ReadExactly(char* to, size_t size) {
  while (size > 0) {
    ERR_clear_error();
    const int n = tls_ != nullptr
                      ? SSL_read(tls_.get(), to, static_cast<int>(size))
                      : static_cast<int>(recv(fd_, to, size, 0));
    if (n > 0) {
      to += n;
      size -= static_cast<size_t>(n);
    } else if (tls_ != nullptr) {
      RETURN_IF_ERROR(WaitForTls(n, "TLS"));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Gone();
    } else {
      RETURN_IF_ERROR(Wait(POLLIN));
    }
  }
  return absl::OkStatus();
}

absl::Status FramedSocket::WriteAll(const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    ERR_clear_error();
    const int left = static_cast<int>(bytes.size() - done);
    const int n =
        tls_ != nullptr
            ? SSL_write(tls_.get(), bytes.data() + done, left)
            : static_cast<int>(send(fd_, bytes.data() + done,
                                    bytes.size() - done, MSG_NOSIGNAL));
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (tls_ != nullptr) {
      RETURN_IF_ERROR(WaitForTls(n, "TLS"));
    } else if (errno != EAGAIN && errno != EINTR) {
      return Gone();
    } else {
      RETURN_IF_ERROR(Wait(POLLOUT));
    }
  }
  return absl::OkStatus();
}

absl::Status FramedSocket::Send(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  if (size > kMaxFrame) return TooLarge();
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(size >> shift & 255);
  message.AppendToString(&bytes);
  return WriteAll(bytes);
}

absl::Status FramedSocket::Receive(google::protobuf::MessageLite& message) {
  unsigned char prefix[4];
  RETURN_IF_ERROR(ReadExactly(reinterpret_cast<char*>(prefix), sizeof(prefix)));
  size_t size = 0;
  for (const unsigned char byte : prefix) size = size << 8 | byte;
  if (size > kMaxFrame) return TooLarge();
  std::string bytes(size, '\0');
  RETURN_IF_ERROR(ReadExactly(bytes.data(), size));
  if (!message.ParseFromString(bytes))
    return absl::InvalidArgumentError("a message that cannot be parsed");
  return absl::OkStatus();
}

}  // namespace metsuke
