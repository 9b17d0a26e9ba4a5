// Fills the sysctls table from /proc/sys.

#include <array>

#include "collectors/collector.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "sysctls";

// Paths below /proc/sys; "*" stands for each network interface, "all" and
// "default" included. What only uid 0 may read whatever its capabilities, such
// as net/core/bpf_jit_harden (mode 0600; sysctl_perm in the kernel's
// fs/proc/proc_sysctl.c asks for no capability), is not among them: it would
// be a gap on every host.
constexpr std::array kNames = {
    "dev/tty/ldisc_autoload",
    "fs/protected_fifos",
    "fs/protected_hardlinks",
    "fs/protected_regular",
    "fs/protected_symlinks",
    "fs/suid_dumpable",
    "kernel/core_pattern",
    "kernel/core_uses_pid",
    "kernel/ctrl-alt-del",
    "kernel/dmesg_restrict",
    "kernel/kexec_load_disabled",
    "kernel/kptr_restrict",
    "kernel/modules_disabled",
    "kernel/panic_on_oops",
    "kernel/perf_event_paranoid",
    "kernel/randomize_va_space",
    "kernel/sysrq",
    "kernel/unprivileged_bpf_disabled",
    "kernel/unprivileged_userns_clone",
    "kernel/yama/ptrace_scope",
    "net/ipv4/conf/*/accept_redirects",
    "net/ipv4/conf/*/accept_source_route",
    "net/ipv4/conf/*/forwarding",
    "net/ipv4/conf/*/log_martians",
    "net/ipv4/conf/*/proxy_arp",
    "net/ipv4/conf/*/rp_filter",
    "net/ipv4/conf/*/secure_redirects",
    "net/ipv4/conf/*/send_redirects",
    "net/ipv4/icmp_echo_ignore_broadcasts",
    "net/ipv4/icmp_ignore_bogus_error_responses",
    "net/ipv4/ip_forward",
    "net/ipv4/tcp_rfc1337",
    "net/ipv4/tcp_syncookies",
    "net/ipv4/tcp_timestamps",
    "net/ipv6/conf/*/accept_ra",
    "net/ipv6/conf/*/accept_redirects",
    "net/ipv6/conf/*/accept_source_route",
    "net/ipv6/conf/*/disable_ipv6",
    "net/ipv6/conf/*/forwarding",
    "net/ipv6/conf/*/use_tempaddr",
    "user/max_user_namespaces",
    "vm/max_map_count",
    "vm/mmap_min_addr",
    "vm/overcommit_memory",
    "vm/unprivileged_userfaultfd",
};

// A host with more interfaces than this lists its first ones and a gap.
constexpr size_t kInterfaces = 1024;

// The name sysctl(8) prints: a dot within a component, as in the interface
// "eth0.100", becomes a slash.
std::string DottedName(std::string path) {
  for (char& c : path) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return path;
}

// `text` without blanks at its ends and with runs of them turned into one.
std::string Squeeze(std::string_view text) {
  std::string value;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (!blank) {
      value += c;
    } else if (!value.empty() && value.back() != ' ') {
      value += ' ';
    }
  }
  if (value.ends_with(' ')) value.pop_back();
  return value;
}

void AddSysctl(const Host& host, const std::string& path,
               v1::Snapshot& snapshot) {
  const absl::StatusOr<std::string> text =
      host.Read("/proc/sys/" + path, 65536);
  if (text.ok()) {
    v1::Sysctl& row = *snapshot.add_sysctls();
    row.set_name(DottedName(path));
    row.set_value(Squeeze(*text));
  } else if (!absl::IsNotFound(text.status())) {
    AddGap(snapshot, kTable, "/proc/sys/" + path, Message(text.status()));
  }
}

// The paths `name` stands for.
std::vector<std::string> Expand(const Host& host, std::string_view name,
                                v1::Snapshot& snapshot) {
  const size_t star = name.find('*');
  if (star == std::string_view::npos) return {std::string(name)};
  const std::string folder(name.substr(0, star));
  absl::StatusOr<std::vector<std::string>> interfaces =
      host.List("/proc/sys/" + folder);
  std::vector<std::string> paths;
  if (!interfaces.ok()) {
    if (!absl::IsNotFound(interfaces.status()))
      AddGap(snapshot, kTable, "/proc/sys/" + std::string(name),
             Message(interfaces.status()));
    return paths;
  }
  if (interfaces->size() > kInterfaces) {
    interfaces->resize(kInterfaces);
    AddGap(snapshot, kTable, "/proc/sys/" + std::string(name),
           "more than 1024 network interfaces");
  }
  for (const std::string& interface : *interfaces)
    paths.push_back(folder + interface + std::string(name.substr(star + 1)));
  return paths;
}

}  // namespace

absl::Status CollectSysctls(const Host& host, v1::Snapshot& snapshot) {
  host.ReadLive();
  const absl::StatusOr<std::vector<std::string>> kernel =
      host.List("/proc/sys/kernel");
  if (absl::IsNotFound(kernel.status()))
    return absl::UnavailableError("/proc/sys is not mounted");
  RETURN_IF_ERROR(kernel.status());
  for (const char* name : kNames)
    for (const std::string& path : Expand(host, name, snapshot))
      AddSysctl(host, path, snapshot);
  return absl::OkStatus();
}

}  // namespace metsuke
