// Fills the ssh_moduli table with the groups sshd reads anew for each exchange.
// Without the file, or without a group in it that fits, sshd takes one built
// into it: of 2048 bits for clients that allow fewer than 3072, of 4096 for
// those that allow fewer than 6144, else of 8192 (dh_new_group_fallback in
// dh.c of OpenSSH). Since 10.0 it refuses where the file is there but has none
// that fits.

#include <fmt/format.h>

#include <algorithm>

#include "collectors/collector.h"
#include "collectors/moduli.h"
#include "collectors/sshd_state.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "ssh_moduli";
constexpr char kModuli[] = "/etc/ssh/moduli";
// A distribution's file has 600 kB.
constexpr size_t kCap = 16 << 20;
// Of a file that is damaged everywhere a few lines tell enough.
constexpr size_t kMostGaps = 16;

std::string PathOf(const RunningSshd& sshd) {
  const std::string path = SettingOf(sshd.settings, "modulifile");
  if (path.empty()) return kModuli;  // before OpenSSH 8.6
  return path.starts_with('/') ? path : "/" + path;
}

// sshd does not use these lines, so no size is missing; but somebody meant to
// have more groups.
void AddDamage(const Moduli& moduli, const std::string& path,
               v1::Snapshot& snapshot) {
  const size_t shown = std::min(moduli.damaged.size(), kMostGaps);
  for (size_t i = 0; i < shown; ++i) {
    const auto& [number, how] = moduli.damaged[i];
    AddGap(snapshot, kTable, fmt::format("{}:{}", path, number),
           fmt::format("sshd skips this line: {}", how), {"groups"});
  }
  if (moduli.damaged.size() > shown)
    AddGap(snapshot, kTable, path,
           fmt::format("sshd skips {} more lines that are damaged",
                       moduli.damaged.size() - shown),
           {"groups"});
}

}  // namespace

absl::Status CollectSshModuli(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const RunningSshd sshd, LookAtSshd(host));
  const std::string path = PathOf(sshd);
  const absl::StatusOr<std::string> text = host.Read(path, kCap);
  if (absl::IsNotFound(text.status()))
    return Absent(fmt::format(
        "{} is missing: sshd takes the groups built into it, of 2048, 4096 or "
        "8192 bits, whichever the client allows",
        path));
  if (!text.ok()) return Annotate(text.status(), path);
  const Moduli moduli = ParseModuli(*text);
  AddSshdGaps(sshd, kTable, snapshot);
  AddDamage(moduli, path, snapshot);
  const bool told = sshd.daemon.command.keywords.contains("modulifile");
  for (const auto& [bits, groups] : moduli.groups) {
    v1::SshModulus& row = *snapshot.add_ssh_moduli();
    row.set_bits(bits);
    row.set_groups(groups);
    row.set_path(path);
    row.set_daemon(told ? "command_line" : sshd.state);
  }
  if (!moduli.groups.empty()) return absl::OkStatus();
  return Absent(
      fmt::format("{} has no group that sshd takes: it takes those built into "
                  "it, of 2048, 4096 or 8192 bits, or since OpenSSH 10.0 none",
                  path));
}

}  // namespace metsuke
