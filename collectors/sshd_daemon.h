// The running SSH server: which process it is and what its command line says.
//
// This is the one place that reads /proc/PID/cmdline. Reading it of a process
// whose memory is mapped from a FUSE file system can block for ever
// (CVE-2018-1120), so it is read only of a process that belongs to root and
// runs sshd: nobody else could have arranged that mapping.

#ifndef METSUKE_COLLECTORS_SSHD_DAEMON_H_
#define METSUKE_COLLECTORS_SSHD_DAEMON_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

inline constexpr char kSshd[] = "/usr/sbin/sshd";

// What options on sshd's command line change in its configuration.
struct SshdCommand {
  std::string config = "/etc/ssh/sshd_config";  // -f
  // The options to hand to `sshd -T` for the same configuration, without -f.
  std::vector<std::string> options;
  // The keywords they set, in lower case.
  std::set<std::string> keywords;
};

// Reads the content of /proc/PID/cmdline of an sshd: the arguments themselves,
// or the title that the listener gives itself since OpenSSH 8.2, "sshd:
// /usr/sbin/sshd -D [listener] 0 of 10-100 startups", in which an argument
// with blanks cannot be told from several; such arguments of -o are taken up
// to the next option. Nothing when the title is cut off, when -f is relative
// to a folder we do not know, or an option is none of sshd's.
std::optional<SshdCommand> ParseSshdCommand(std::string_view cmdline);

struct SshdDaemon {
  // kUnknown: it runs, but what it was started with could not be seen.
  enum class State { kStopped, kRunning, kUnknown };
  State state = State::kStopped;
  SshdCommand command;
  int pid = 0;
  int64_t started = 0;  // seconds since 1970
  // Other SSH servers of this machine, each by its program and -f file.
  std::vector<std::string> others;
};

// Looks through all processes; the caller's collector then runs in every
// cycle. With ssh.socket a process runs for each connection and none listens:
// that is kStopped.
absl::StatusOr<SshdDaemon> FindSshd(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_DAEMON_H_
