#include "collectors/sshd_socket.h"

#include <fmt/format.h>

#include "collectors/collector.h"
#include "collectors/systemd.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr const char* kFolders[] = {
    "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system"};

bool HasUnit(const Host& host, const std::string& unit) {
  for (const char* folder : kFolders)
    if (host.Stat(fmt::format("{}/{}", folder, unit)).ok()) return true;
  return false;
}

void AddStream(const std::string& stream, bool both,
               std::vector<std::string>& addresses) {
  // Paths are for clients on this machine, "vsock:" for its virtual ones.
  if (stream.starts_with('/') || stream.starts_with('@') ||
      stream.starts_with("vsock"))
    return;
  constexpr std::string_view kAny = "[::]:";
  if (both && stream.starts_with(kAny))
    addresses.push_back("0.0.0.0:" + stream.substr(kAny.size()));
  addresses.push_back(stream);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SshdSocketAddresses(const Host& host) {
  std::vector<std::string> addresses;
  for (const char* unit : {"ssh.socket", "sshd.socket"}) {
    if (!HasUnit(host, unit)) continue;
    absl::StatusOr<Systemd> systemd = Systemd::Connect(host);
    if (IsAbsent(systemd.status())) return addresses;
    RETURN_IF_ERROR(systemd.status());
    ASSIGN_OR_RETURN(const SocketFacts facts, systemd->Socket(unit));
    if (facts.active != "active") continue;
    for (const std::string& stream : facts.streams)
      AddStream(stream, facts.bind_ipv6_only != "ipv6-only", addresses);
  }
  return addresses;
}

std::vector<std::string> SshdUnitOptions(const Host& host) {
  constexpr std::string_view kName = "SSHD_OPTS=";
  std::vector<std::string> options;
  const absl::StatusOr<std::string> text = host.Read("/etc/default/ssh");
  if (!text.ok()) return options;
  for (std::string_view line : Lines(*text)) {
    line = Strip(line);
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    if (line.size() > 1 && (line[0] == '"' || line[0] == '\'') &&
        line.back() == line[0])
      line = line.substr(1, line.size() - 2);
    // systemd cuts an unquoted $SSHD_OPTS at blanks.
    options.clear();
    for (const std::string_view word : Words(line)) options.emplace_back(word);
  }
  return options;
}

}  // namespace metsuke
