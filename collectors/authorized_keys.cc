// Fills the authorized_keys table from the files that sshd's AuthorizedKeysFile
// names for each account.

#include <fmt/format.h>

#include "collectors/account_keys.h"
#include "collectors/collector.h"
#include "collectors/passwd.h"
#include "collectors/sshd_config.h"
#include "collectors/sshd_daemon.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "authorized_keys";
constexpr int kKeys = 100'000;

KeySource PolicyOf(const SshdSettings& settings, const SshdFiles& files,
                   v1::Snapshot& snapshot) {
  const auto gap_if_set = [&](std::string_view keyword, const char* reason) {
    const std::string value = SettingOf(settings, keyword);
    if (!value.empty() && value != "none")
      AddGap(snapshot, kTable, value, reason);
  };
  gap_if_set("authorizedkeyscommand",
             "keys come from a program (AuthorizedKeysCommand)");
  gap_if_set("trustedusercakeys",
             "certificates signed by these keys let in (TrustedUserCAKeys)");
  for (const SshdLine& line : files.lines)
    if (!files.blocks[line.block].tests.empty() &&
        (line.keyword.starts_with("authorizedkeys") ||
         line.keyword == "trustedusercakeys"))
      AddGap(snapshot, kTable, line.keyword,
             "a Match block sets it for some connections");
  std::string paths = SettingOf(settings, "authorizedkeysfile");
  if (paths.empty()) paths = ".ssh/authorized_keys .ssh/authorized_keys2";
  KeySource policy;
  policy.strict_modes = SettingOf(settings, "strictmodes") != "no";
  for (std::string& path : SplitFields(paths, ' '))
    if (!path.empty() && path != "none") policy.files.push_back(path);
  return policy;
}

// What sshd says of its files; to look at the daemon's command line would make
// this collector run in every cycle, so CollectSshdOptions does that for both.
// Without its word its defaults are taken, and a gap says so. Absent when there
// is no sshd.
absl::StatusOr<KeySource> ReadPolicy(const Host& host, v1::Snapshot& snapshot) {
  if (absl::IsNotFound(host.Stat(kSshd).status()))
    return Absent("sshd is not installed");
  const SshdCommand command;
  const SshdFiles files = FindSshdFiles(host, command.config);
  const absl::StatusOr<SshdSettings> settings =
      ReadSshdSettings(host, command, files);
  if (settings.ok()) return PolicyOf(*settings, files, snapshot);
  AddGap(snapshot, kTable, command.config,
         Message(settings.status()) +
             "; keys were looked for where sshd looks by default");
  return PolicyOf({}, files, snapshot);
}

}  // namespace

absl::Status CollectAuthorizedKeys(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const KeySource policy, ReadPolicy(host, snapshot));
  int foreign = 0;
  ASSIGN_OR_RETURN(const std::vector<PasswdEntry> accounts,
                   ReadPasswd(host, &foreign));
  for (const PasswdEntry& account : accounts) {
    AddAccountKeys(host, account, policy, snapshot);
    if (snapshot.authorized_keys_size() > kKeys)
      return absl::ResourceExhaustedError(
          fmt::format("more than {} keys", kKeys));
  }
  return absl::OkStatus();
}

}  // namespace metsuke
