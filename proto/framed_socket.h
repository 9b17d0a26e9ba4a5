// A connection that carries messages with their length before them (four
// bytes, big-endian), at most 16 KiB each, with or without TLS, and that is
// over at a moment set in advance: a peer that sends slowly gets no more time
// than one that sends nothing.

#ifndef METSUKE_PROTO_FRAMED_SOCKET_H_
#define METSUKE_PROTO_FRAMED_SOCKET_H_

#include <google/protobuf/message_lite.h>

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "proto/openssl.h"

namespace metsuke {

inline constexpr size_t kMaxFrame = 16 << 10;

class FramedSocket {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Takes the stream socket `fd` and closes it at the end.
  FramedSocket(int fd, Deadline deadline);
  ~FramedSocket();
  FramedSocket(FramedSocket&& other) noexcept;
  FramedSocket& operator=(FramedSocket&&) = delete;

  // Connected to the unix socket `path`. NotFound or Unavailable when nobody
  // listens there; PermissionDenied.
  static absl::StatusOr<FramedSocket> ConnectUnix(const std::string& path,
                                                  Deadline deadline);

  // Connected to "host:port" or "[v6]:port", the first of its addresses that
  // answers. InvalidArgument when `address` has not that form; Unavailable.
  static absl::StatusOr<FramedSocket> ConnectTcp(const std::string& address,
                                                 Deadline deadline);

  // Makes TLS on it; `context` must outlive this. The error is what OpenSSL
  // says, for the program's own log.
  absl::Status AcceptTls(SSL_CTX* context);
  absl::Status ConnectTls(SSL_CTX* context);

  // Errors: DeadlineExceeded; ResourceExhausted when the message is larger
  // than kMaxFrame; InvalidArgument when it cannot be parsed; Unavailable when
  // the peer is gone.
  absl::Status Send(const google::protobuf::MessageLite& message);
  absl::Status Receive(google::protobuf::MessageLite& message);

  int fd() const { return fd_; }

 private:
  absl::Status Handshake(SSL_CTX* context, bool server);
  // Waits until poll(2) reports `events`.
  absl::Status Wait(short events);
  absl::Status WaitForTls(int result, const char* what);
  absl::Status ReadExactly(char* to, size_t size);
  absl::Status WriteAll(const std::string& bytes);

  int fd_;
  Deadline deadline_;
  TlsPtr tls_;
};

}  // namespace metsuke

#endif  // METSUKE_PROTO_FRAMED_SOCKET_H_
