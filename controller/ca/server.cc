#include "controller/ca/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <ctime>

#include "proto/framed_socket.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kWorkers = 16;

void Serve(Authority& authority, int fd, std::chrono::milliseconds limit) {
  FramedSocket socket(fd, std::chrono::steady_clock::now() + limit);
  ucred asker{};
  socklen_t size = sizeof(asker);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &asker, &size) != 0) return;
  v1::AuthorityRequest request;
  // Every user of the machine can connect; whom nothing is granted is refused
  // at once, so that he cannot keep a thread waiting for what he asks.
  absl::Status status;
  if (authority.Hears(asker.uid)) status = socket.Receive(request);
  if (status.ok())
    status =
        socket.Send(authority.Answer(request, asker.uid, std::time(nullptr)));
  if (!status.ok())
    Log(Priority::kWarning,
        fmt::format("a request of user {}: {}", asker.uid, Message(status)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Workers>> ServeAuthority(
    Authority& authority, const std::string& socket,
    std::chrono::milliseconds limit) {
  ASSIGN_OR_RETURN(const int listener, ListenUnix(socket));
  return std::make_unique<Workers>(
      listener, kWorkers,
      [&authority, limit](int fd) { Serve(authority, fd, limit); });
}

}  // namespace metsuke
