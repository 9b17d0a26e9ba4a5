#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <tuple>

#include "collectors/collector.h"
#include "collectors/interfaces.h"
#include "collectors/netlink_messages.h"
#include "collectors/owners.h"
#include "collectors/sockets.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// One dump of sock_diag(7).
struct Dump {
  const char* name;
  uint8_t family, protocol;
  const char* protocol_name;
  // States of the sockets that accept traffic; an unconnected UDP socket is
  // TCP_CLOSE to the kernel. UDP sockets without a port are in no dump.
  uint32_t states;
};
constexpr Dump kDumps[] = {
    {"tcp4", AF_INET, IPPROTO_TCP, "tcp", 1 << TCP_LISTEN},
    {"tcp6", AF_INET6, IPPROTO_TCP, "tcp", 1 << TCP_LISTEN},
    {"udp4", AF_INET, IPPROTO_UDP, "udp", 1 << TCP_CLOSE},
    {"udp6", AF_INET6, IPPROTO_UDP, "udp", 1 << TCP_CLOSE},
};

// Everything seen of the sockets at one address. With SO_REUSEPORT they are
// several, and after a fork or socket activation one has several processes.
struct Row {
  std::set<std::string> programs, paths, units, users, packages;
};
// Protocol, address, port, interface.
using Key = std::tuple<std::string, std::string, uint16_t, std::string>;

absl::StatusOr<std::vector<Socket>> ReadSockets(const Host& host) {
  std::vector<Socket> sockets;
  for (const Dump& dump : kDumps) {
    inet_diag_req_v2 request = {};
    request.sdiag_family = dump.family;
    request.sdiag_protocol = dump.protocol;
    request.idiag_states = dump.states;
    absl::StatusOr<std::string> replies =
        host.Netlink(dump.name, NETLINK_SOCK_DIAG,
                     DumpRequest(SOCK_DIAG_BY_FAMILY, request));
    if (!replies.ok()) return Annotate(replies.status(), dump.name);
    for (Socket& socket : ParseSockets(*replies, dump.protocol_name)) {
      sockets.push_back(std::move(socket));
    }
  }
  return sockets;
}

// Names of accounts by number; the first of several wins, as in getpwuid(3).
std::map<uint32_t, std::string> ReadUsers(const Host& host,
                                          v1::Snapshot& snapshot) {
  std::map<uint32_t, std::string> users;
  const absl::StatusOr<std::string> passwd = host.Read("/etc/passwd");
  if (!passwd.ok()) {
    AddGap(snapshot, "ports", "/etc/passwd", Message(passwd.status()),
           {"user"});
    return users;
  }
  for (const std::string_view line : Lines(*passwd)) {
    const std::vector<std::string_view> fields = Pieces(line, ':');
    if (fields.size() < 3 || fields[0].empty()) continue;
    if (const auto uid = Number(fields[2])) users.emplace(*uid, fields[0]);
  }
  return users;
}

// The path without what the kernel adds when the file was replaced.
std::string OnDisk(std::string path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

std::map<std::string, std::string> ReadOwners(const Host& host,
                                              const Holders& holders,
                                              v1::Snapshot& snapshot) {
  std::set<std::string> paths;
  for (const auto& [inode, holder] : holders.by_inode) {
    if (!holder.path.empty()) paths.insert(OnDisk(holder.path));
  }
  const auto owners = FindOwners(host, paths);
  if (owners.ok()) return *owners;
  AddGap(snapshot, "ports", "owning packages", Message(owners.status()),
         {"package"});
  return {};
}

std::map<uint32_t, std::string> InterfaceNames(
    const Host& host, const std::vector<Socket>& sockets,
    v1::Snapshot& snapshot) {
  std::map<uint32_t, std::string> names;
  for (const Socket& socket : sockets) {
    if (socket.interface != 0) {
      names[socket.interface] = fmt::format("#{}", socket.interface);
    }
  }
  if (names.empty()) return names;
  const auto links = ReadLinks(host);
  if (!links.ok()) {
    AddGap(snapshot, "ports", "names of interfaces", Message(links.status()),
           {"interface"});
    return names;
  }
  for (const auto& [number, link] : *links) names[number] = link.name;
  return names;
}

std::string Join(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (word.empty()) continue;
    if (!text.empty()) text += ',';
    text += word;
  }
  return text;
}

// As ss(8) writes it.
std::string Subject(const Key& key) {
  const auto& [protocol, address, port, interface] = key;
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("{} {}{}{}:{}", protocol,
                     v6 ? fmt::format("[{}]", address) : address,
                     interface.empty() ? "" : "%", interface, port);
}

void AddUnseen(const Key& key, const absl::StatusOr<Holders>& holders,
               v1::Snapshot& snapshot) {
  const std::string why =
      !holders.ok() ? Message(holders.status())
      : holders->closed == 0
          ? "no process that can be seen holds it: it belongs to the kernel or "
            "to another process namespace"
          : "the process that holds it could not be seen: some are closed to "
            "the collector, which needs CAP_SYS_PTRACE and "
            "CAP_DAC_READ_SEARCH";
  AddGap(snapshot, "ports", Subject(key), why,
         {"program", "path", "unit", "package"});
}

void AddPort(const Key& key, const Row& row, v1::Snapshot& snapshot) {
  v1::Port& port = *snapshot.add_ports();
  port.set_protocol(std::get<0>(key));
  port.set_address(std::get<1>(key));
  port.set_port(std::get<2>(key));
  port.set_interface(std::get<3>(key));
  port.set_program(Join(row.programs));
  port.set_path(Join(row.paths));
  port.set_unit(Join(row.units));
  port.set_user(Join(row.users));
  port.set_package(Join(row.packages));
}

}  // namespace

absl::Status CollectPorts(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::vector<Socket> sockets, ReadSockets(host));
  std::set<uint64_t> inodes;
  for (const Socket& socket : sockets) inodes.insert(socket.inode);
  const absl::StatusOr<Holders> found = FindHolders(host, inodes);
  const Holders holders = found.value_or(Holders());
  const auto owners = ReadOwners(host, holders, snapshot);
  const auto users = ReadUsers(host, snapshot);
  const auto interfaces = InterfaceNames(host, sockets, snapshot);

  std::map<Key, Row> rows;
  std::set<Key> unseen;
  for (const Socket& socket : sockets) {
    const auto interface = interfaces.find(socket.interface);
    const Key key = {socket.protocol, socket.address, socket.port,
                     interface == interfaces.end() ? "" : interface->second};
    Row& row = rows[key];
    const auto user = users.find(socket.uid);
    row.users.insert(user == users.end() ? fmt::format("{}", socket.uid)
                                         : user->second);
    const auto [begin, end] = holders.by_inode.equal_range(socket.inode);
    if (begin == end) unseen.insert(key);
    for (auto holder = begin; holder != end; ++holder) {
      row.programs.insert(holder->second.program);
      row.paths.insert(holder->second.path);
      row.units.insert(holder->second.unit);
      const auto owner = owners.find(OnDisk(holder->second.path));
      if (owner != owners.end()) row.packages.insert(owner->second);
    }
  }
  for (const auto& [key, row] : rows) AddPort(key, row, snapshot);
  for (const Key& key : unseen) AddUnseen(key, found, snapshot);
  return absl::OkStatus();
}

}  // namespace metsuke
