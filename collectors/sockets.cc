#include "collectors/sockets.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <optional>

#include "collectors/netlink_messages.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The inode in "socket:[4711]", which is what the links in /proc/PID/fd say.
std::optional<uint64_t> SocketInode(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return std::nullopt;
  link.remove_prefix(kPrefix.size());
  link.remove_suffix(1);
  return Number(link);
}

// The control group systemd sorts processes by: that of its own hierarchy
// (version 1, cgroups(7)), or of the unified one.
std::string_view SystemdCgroup(std::string_view cgroup) {
  std::string_view unified;
  for (const std::string_view line : Lines(cgroup)) {
    constexpr std::string_view kNamed = ":name=systemd:", kUnified = "0::";
    if (const size_t at = line.find(kNamed); at != std::string_view::npos) {
      const std::string_view path = line.substr(at + kNamed.size());
      if (path != "/") return path;
    } else if (line.starts_with(kUnified)) {
      unified = line.substr(kUnified.size());
    }
  }
  return unified;
}

// A unit that processes can belong to, and not a slice, which only sorts them.
bool IsUnit(std::string_view name) {
  constexpr std::string_view kSuffixes[] = {".service", ".scope", ".socket",
                                            ".mount", ".swap"};
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                     [&](std::string_view suffix) {
                       return name.size() > suffix.size() &&
                              name.ends_with(suffix);
                     });
}

absl::StatusOr<Holder> ReadHolder(const Host& host, const std::string& process,
                                  std::string_view root_cgroup) {
  // Only what the kernel itself wrote: cmdline and environ are read from the
  // memory of the process, which may lie on a FUSE file system that never
  // answers (CVE-2018-1120).
  Holder holder;
  ASSIGN_OR_RETURN(holder.program, host.Read(process + "/comm", 4096));
  if (holder.program.ends_with('\n')) holder.program.pop_back();
  ASSIGN_OR_RETURN(holder.path, host.ReadLink(process + "/exe"));
  ASSIGN_OR_RETURN(const std::string cgroup,
                   host.Read(process + "/cgroup", 1 << 16));
  holder.unit = UnitOfCgroup(cgroup, root_cgroup);
  return holder;
}

// The sockets among `inodes` that the process holds; false when its
// descriptors cannot be seen.
bool HeldSockets(const Host& host, const std::string& process,
                 const std::set<uint64_t>& inodes, std::set<uint64_t>& held) {
  const std::string folder = process + "/fd";
  const absl::StatusOr<std::vector<std::string>> descriptors =
      host.List(folder);
  // A process that has ended meanwhile holds nothing.
  if (!descriptors.ok()) return absl::IsNotFound(descriptors.status());
  bool seen = true;
  for (const std::string& descriptor : *descriptors) {
    const absl::StatusOr<std::string> link =
        host.ReadLink(fmt::format("{}/{}", folder, descriptor));
    if (absl::IsPermissionDenied(link.status())) seen = false;
    const std::optional<uint64_t> inode =
        link.ok() ? SocketInode(*link) : std::nullopt;
    if (inode && inodes.contains(*inode)) held.insert(*inode);
  }
  return seen;
}

}  // namespace

std::vector<Socket> ParseSockets(const std::string& replies,
                                 std::string_view protocol) {
  std::vector<Socket> sockets;
  ForEachMessage<inet_diag_msg>(
      replies, SOCK_DIAG_BY_FAMILY,
      [&](const inet_diag_msg& header, const nlmsghdr*) {
        char address[INET6_ADDRSTRLEN];
        if (inet_ntop(header.idiag_family, header.id.idiag_src, address,
                      sizeof(address)) == nullptr) {
          return;  // no family of the internet
        }
        sockets.push_back({.protocol = std::string(protocol),
                           .address = address,
                           .port = ntohs(header.id.idiag_sport),
                           .interface = header.id.idiag_if,
                           .uid = header.idiag_uid,
                           .inode = header.idiag_inode});
      });
  return sockets;
}

std::string UnitOfCgroup(std::string_view cgroup, std::string_view root) {
  std::string_view path = SystemdCgroup(cgroup);
  // In a container the paths may begin with where the container stands; its
  // process 1 is in init.scope just below that.
  std::string_view prefix = SystemdCgroup(root);
  constexpr std::string_view kInit = "/init.scope";
  if (prefix.ends_with(kInit)) prefix.remove_suffix(kInit.size());
  if (prefix.size() > 1 && path.starts_with(prefix)) {
    path.remove_prefix(prefix.size());
  }
  for (std::string_view name : Pieces(path, '/')) {
    // systemd marks a name that could be taken for a file of the kernel.
    if (name.starts_with('_')) name.remove_prefix(1);
    if (IsUnit(name)) return std::string(name);
  }
  return "";
}

absl::StatusOr<Holders> FindHolders(const Host& host,
                                    const std::set<uint64_t>& inodes) {
  Holders holders;
  if (inodes.empty()) return holders;
  const std::string root = host.Read("/proc/1/cgroup", 1 << 16).value_or("");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, host.List("/proc"));
  for (const std::string& name : names) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string process = "/proc/" + name;
    std::set<uint64_t> held;
    if (!HeldSockets(host, process, inodes, held)) ++holders.closed;
    if (held.empty()) continue;
    const absl::StatusOr<Holder> holder = ReadHolder(host, process, root);
    if (!holder.ok()) ++holders.closed;
    for (const uint64_t inode : held)
      if (holder.ok()) holders.by_inode.emplace(inode, *holder);
  }
  return holders;
}

}  // namespace metsuke
