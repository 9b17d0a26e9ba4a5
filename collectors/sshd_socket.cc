#include "collectors/sshd_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string_view>

#include "absl/strings/str_join.h"
#include "collectors/collector.h"
#include "collectors/sshd_daemon.h"
#include "collectors/systemd.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The units of the package, of Debian and of others.
constexpr std::string_view kOwnUnits[] = {"ssh.socket", "sshd.socket"};

constexpr const char* kFolders[] = {
    "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system"};

bool HasUnit(const Host& host, std::string_view unit) {
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

using Variables = std::map<std::string, std::string, std::less<>>;

void AddVariable(std::string_view line, Variables& variables) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  std::string_view value = line.substr(equals + 1);
  if (value.size() > 1 && (value[0] == '"' || value[0] == '\'') &&
      value.back() == value[0])
    value = value.substr(1, value.size() - 2);
  variables.insert_or_assign(std::string(line.substr(0, equals)), value);
}

absl::StatusOr<Variables> VariablesOf(const Host& host,
                                      const ServiceFacts& service) {
  Variables variables;
  for (const std::string& line : service.environment)
    AddVariable(line, variables);
  for (const std::string& path : service.environment_files) {
    const absl::StatusOr<std::string> text = host.Read(path);
    if (absl::IsNotFound(text.status())) continue;
    if (!text.ok()) return Annotate(text.status(), path);
    for (std::string_view line : Lines(*text)) {
      line = Strip(line);
      if (!line.starts_with('#') && !line.starts_with(';'))
        AddVariable(line, variables);
    }
  }
  return variables;
}

// As systemd.service(5) has it: a word that is "$NAME" is cut at blanks,
// "${NAME}" is filled in where it stands.
std::vector<std::string> FillIn(const std::vector<std::string>& command,
                                const Variables& variables) {
  const auto value = [&](std::string_view name) -> std::string_view {
    const auto found = variables.find(name);
    return found == variables.end() ? "" : std::string_view(found->second);
  };
  std::vector<std::string> words;
  for (std::string_view word : command) {
    if (word.starts_with('$') && !word.starts_with("${")) {
      for (const std::string_view part : Words(value(word.substr(1))))
        words.emplace_back(part);
      continue;
    }
    std::string& filled = words.emplace_back();
    for (;;) {
      const size_t start = word.find("${");
      const size_t end = word.find('}', start);
      if (end == std::string_view::npos) break;
      filled += word.substr(0, start);
      filled += value(word.substr(start + 2, end - start - 2));
      word.remove_prefix(end + 1);
    }
    filled += word;
  }
  return words;
}

bool IsSshServer(const std::vector<std::string>& command) {
  if (command.empty()) return false;
  const std::string name = command[0].substr(command[0].rfind('/') + 1);
  return name == "sshd" || name == "dropbear" || name == "tinysshd";
}

// The command line of the SSH server that the socket starts; empty when it
// starts something else.
absl::StatusOr<std::vector<std::string>> CommandOf(const Host& host,
                                                   Systemd& systemd,
                                                   const std::string& unit,
                                                   const SocketFacts& socket) {
  std::vector<std::string> services = socket.starts;
  // Each connection has an instance of its own; any of them tells.
  if (socket.accept)
    services = {unit.substr(0, unit.rfind('.')) + "@metsuke.service"};
  for (const std::string& service : services) {
    ASSIGN_OR_RETURN(const ServiceFacts facts, systemd.Service(service));
    for (const std::vector<std::string>& command : facts.commands) {
      if (!IsSshServer(command)) continue;
      ASSIGN_OR_RETURN(const Variables variables, VariablesOf(host, facts));
      return FillIn(command, variables);
    }
  }
  return std::vector<std::string>();
}

bool IsOwn(std::string_view unit) {
  return std::ranges::find(kOwnUnits, unit) != std::end(kOwnUnits);
}

// Adds what `unit`, an active socket, means to SSH.
absl::Status AddSocket(const Host& host, Systemd& systemd,
                       const std::string& unit, SshdSockets& sockets) {
  ASSIGN_OR_RETURN(const SocketFacts facts, systemd.Socket(unit));
  std::vector<std::string> addresses;
  for (const std::string& stream : facts.streams)
    AddStream(stream, facts.bind_ipv6_only != "ipv6-only", addresses);
  if (addresses.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::vector<std::string> command,
                   CommandOf(host, systemd, unit, facts));
  if (IsOwn(unit) && (command.empty() || command[0] == kSshd)) {
    if (sockets.command.empty()) sockets.command = std::move(command);
    sockets.addresses.insert(sockets.addresses.end(), addresses.begin(),
                             addresses.end());
  } else if (!command.empty()) {
    sockets.others.push_back(
        fmt::format("{}: {}", unit, absl::StrJoin(command, " ")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SshdSockets> FindSshdSockets(const Host& host) {
  const bool is_there = HasUnit(host, kOwnUnits[0]) || HasUnit(host, kOwnUnits[1]);
  SshdSockets sockets;
  absl::StatusOr<Systemd> systemd = Systemd::Connect(host);
  if (IsAbsent(systemd.status()) || (!systemd.ok() && !is_there))
    return sockets;
  RETURN_IF_ERROR(systemd.status());
  ASSIGN_OR_RETURN(const std::vector<std::string> units,
                   systemd->ActiveUnits(".socket"));
  for (const std::string& unit : units) {
    const absl::Status seen = AddSocket(host, *systemd, unit, sockets);
    if (seen.ok()) continue;
    if (IsOwn(unit)) return seen;
    sockets.unseen = Message(Annotate(seen, unit));
  }
  return sockets;
}

}  // namespace metsuke
