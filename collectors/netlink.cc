#include "collectors/netlink.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/errno_status.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxAnswer = 64 << 20;
constexpr size_t kMaxDatagram = 1 << 20;
constexpr auto kDeadline = std::chrono::seconds(5);
// The audit subsystem acknowledges a request before a thread of its own sends
// the answer (kernel/audit.c, audit_send_reply); this long it may take.
constexpr auto kAfterAcknowledgement = std::chrono::milliseconds(500);

// What has been answered so far.
struct Answer {
  std::string bytes;
  bool dump;               // NLMSG_DONE will end it
  bool acknowledged = false;
  bool done = false;
  bool interrupted = false;
  bool many = false;       // in parts, up to NLMSG_DONE
};

absl::Status KernelError(std::string_view name, int error) {
  return ErrnoStatus(error, fmt::format("netlink {}", name));
}

// What goes wrong before the kernel has read the request: nobody listens on
// the protocol (the audit subsystem of a kernel booted with audit=0), or it
// was not compiled in.
absl::Status NoProtocol(std::string_view name, int error) {
  const absl::Status status = KernelError(name, error);
  if (error != ECONNREFUSED && error != EPROTONOSUPPORT) return status;
  return absl::UnimplementedError(status.message());
}

// Takes in one message. The payload of NLMSG_ERROR, and of the NLMSG_DONE of a
// dump that failed half-way, begins with a negative errno.
absl::Status Take(std::string_view name, const nlmsghdr& header,
                  std::string_view message, Answer& answer) {
  if (header.nlmsg_flags & NLM_F_DUMP_INTR) answer.interrupted = true;
  if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
    int error = 0;
    if (message.size() >= NLMSG_HDRLEN + sizeof error)
      memcpy(&error, message.data() + NLMSG_HDRLEN, sizeof error);
    // The answer of the audit subsystem to all but the first user namespace
    // (audit_netlink_ok).
    if (error == -ECONNREFUSED) error = -EPERM;
    if (error < 0) return KernelError(name, -error);
    if (header.nlmsg_type == NLMSG_DONE) answer.done = true;
    answer.acknowledged = true;
    return absl::OkStatus();
  }
  if (header.nlmsg_type == NLMSG_NOOP) return absl::OkStatus();
  if (header.nlmsg_flags & NLM_F_MULTI) answer.many = true;
  answer.bytes.append(message);
  answer.bytes.resize(NLMSG_ALIGN(answer.bytes.size()));
  if (answer.bytes.size() > kMaxAnswer)
    return absl::ResourceExhaustedError(
        fmt::format("netlink {}: more than {} bytes", name, kMaxAnswer));
  return absl::OkStatus();
}

absl::Status TakeDatagram(std::string_view name, std::string_view datagram,
                          Answer& answer) {
  while (datagram.size() >= NLMSG_HDRLEN) {
    nlmsghdr header;
    memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN ||
        header.nlmsg_len > datagram.size())
      return absl::UnavailableError(
          fmt::format("netlink {}: a message without end", name));
    RETURN_IF_ERROR(
        Take(name, header, datagram.substr(0, header.nlmsg_len), answer));
    datagram.remove_prefix(std::min<size_t>(
        NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return absl::OkStatus();
}

// One datagram of the kernel's into `buffer`; empty when none came in time.
absl::StatusOr<std::string_view> Receive(std::string_view name, int fd,
                                         Clock::time_point until,
                                         std::vector<char>& buffer) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - Clock::now());
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<int64_t>(
                                            0, left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return KernelError(name, errno);
    if (ready == 0) return std::string_view();
    sockaddr_nl from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(fd, buffer.data(), buffer.size(), MSG_TRUNC,
                 reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return KernelError(name, errno);
    if (from.nl_pid != 0) continue;  // not from the kernel
    if (static_cast<size_t>(got) > buffer.size())
      return absl::ResourceExhaustedError(
          fmt::format("netlink {}: a datagram of {} bytes", name, got));
    return std::string_view(buffer.data(), static_cast<size_t>(got));
  }
}

bool Complete(const Answer& answer, bool wants_acknowledgement) {
  if (answer.done) return true;
  if (answer.dump || answer.many || answer.bytes.empty()) return false;
  return answer.acknowledged || !wants_acknowledgement;
}

absl::StatusOr<Answer> AskOnce(std::string_view name, int protocol,
                               std::string_view request) {
  Descriptor fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return NoProtocol(name, errno);
  nlmsghdr asked;
  memcpy(&asked, request.data(), sizeof asked);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(fd.get(), request.data(), request.size(), 0,
             reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0)
    return NoProtocol(name, errno);
  Answer answer{};
  answer.dump = (asked.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  const bool wants_acknowledgement = asked.nlmsg_flags & NLM_F_ACK;
  std::vector<char> buffer(kMaxDatagram);
  auto until = Clock::now() + kDeadline;
  while (!Complete(answer, wants_acknowledgement)) {
    ASSIGN_OR_RETURN(const std::string_view datagram,
                     Receive(name, fd.get(), until, buffer));
    if (datagram.empty()) {
      // An acknowledged request need not have an answer, unless it is a list.
      if (answer.acknowledged && !answer.dump && !answer.many) break;
      return absl::DeadlineExceededError(
          fmt::format("netlink {}: no end of the answer", name));
    }
    const bool before = answer.acknowledged;
    RETURN_IF_ERROR(TakeDatagram(name, datagram, answer));
    if (answer.acknowledged && !before && answer.bytes.empty())
      until = std::min(until, Clock::now() + kAfterAcknowledgement);
  }
  return answer;
}

}  // namespace

absl::StatusOr<std::string> AskNetlink(std::string_view name, int protocol,
                                       std::string_view request) {
  if (request.size() < sizeof(nlmsghdr))
    return absl::InvalidArgumentError(
        fmt::format("netlink {}: a request without header", name));
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSIGN_OR_RETURN(Answer answer, AskOnce(name, protocol, request));
    if (!answer.interrupted) return std::move(answer.bytes);
  }
  return absl::AbortedError(
      fmt::format("netlink {}: changed while it was listed", name));
}

}  // namespace metsuke
