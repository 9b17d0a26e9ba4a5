// Fills the accounts table from /etc/passwd, /etc/shadow and /etc/login.defs
// and the host's record of logins.

#include <cstdlib>

#include "collectors/collector.h"
#include "collectors/last_login.h"
#include "collectors/passwd.h"
#include "collectors/shadow.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

using Shadow = std::map<std::string, ShadowEntry>;

// UID_MIN and UID_MAX of login.defs(5), with the defaults of shadow-utils.
struct UidRange {
  uint64_t min = 1000, max = 60000;
};

UidRange ParseLoginDefs(std::string_view text) {
  UidRange range;
  std::string_view line;
  while (NextLine(text, line)) {
    const size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) continue;
    line.remove_prefix(start);
    const size_t blank = line.find_first_of(" \t");
    const std::string_view key = line.substr(0, blank);
    if (blank == std::string_view::npos ||
        (key != "UID_MIN" && key != "UID_MAX"))
      continue;
    const std::string value(line.substr(blank));
    char* end = nullptr;
    const uint64_t number = std::strtoull(value.c_str(), &end, 0);
    if (end != value.c_str())
      (key == "UID_MIN" ? range.min : range.max) = number;
  }
  return range;
}

UidRange ReadUidRange(const Host& host, v1::Snapshot& snapshot) {
  const absl::StatusOr<std::string> text = host.Read("/etc/login.defs");
  if (text.ok()) return ParseLoginDefs(*text);
  if (!absl::IsNotFound(text.status()))
    AddGap(snapshot, "accounts", "/etc/login.defs", Message(text.status()));
  return {};
}

// nologin(8) and false(1) let nobody work, and neither does what is not there.
// What we cannot look at is taken to work.
bool ShellUsable(const Host& host, const std::string& shell) {
  const std::string_view name =
      std::string_view(shell).substr(shell.rfind('/') + 1);
  if (name == "nologin" || name == "false") return false;
  const absl::StatusOr<FileInfo> info = host.Stat(shell);
  return info.ok() ? info->kind == FileInfo::Kind::kRegular
                   : !absl::IsNotFound(info.status());
}

// Whether the password stands in /etc/shadow, as pam_unix(8) decides it.
bool Shadowed(const PasswdEntry& entry) {
  return entry.password == "x" || entry.password == "##" + entry.name;
}

void FillPassword(const PasswdEntry& entry, const Shadow& shadow,
                  v1::Account& row) {
  const auto found = shadow.find(entry.name);
  const PasswordState password =
      !Shadowed(entry)        ? ClassifyPassword(entry.password)
      : found != shadow.end() ? found->second.password
                              : PasswordState{"none"};
  row.set_password(std::string(password.state));
  row.set_hash(std::string(password.hash));
  row.set_hash_strong(password.strong);
  const ShadowEntry ages = found != shadow.end()
                               ? found->second
                               : ShadowEntry{{}, -1, -1, -1, -1, -1, -1};
  row.set_password_changed(ages.changed > 0 ? ages.changed * kDay : 0);
  row.set_password_max_days(ages.max);
  row.set_password_min_days(ages.min);
  row.set_password_warn_days(ages.warn);
  row.set_password_inactive_days(ages.inactive);
  row.set_expires(ages.expires > 0 ? ages.expires * kDay : 0);
}

v1::Account MakeAccount(const Host& host, const PasswdEntry& entry,
                        const UidRange& range) {
  v1::Account row;
  row.set_name(entry.name);
  row.set_uid(entry.uid);
  row.set_gid(entry.gid);
  row.set_comment(entry.comment);
  row.set_home(entry.home);
  row.set_shell(entry.shell.empty() ? "/bin/sh" : entry.shell);
  row.set_shell_usable(ShellUsable(host, row.shell()));
  row.set_system((entry.uid < range.min && entry.uid != 0) ||
                 entry.uid > range.max);
  return row;
}

// Without /etc/shadow the passwords are those of /etc/passwd, as on a system
// that never ran pwconv(8). A shadow file that cannot be read is another thing:
// guessing would call every account closed.
absl::StatusOr<Shadow> ReadShadowIfAny(const Host& host) {
  absl::StatusOr<Shadow> shadow = ReadShadow(host);
  if (shadow.ok() || !absl::IsNotFound(shadow.status())) return shadow;
  return Shadow();
}

}  // namespace

absl::Status CollectAccounts(const Host& host, v1::Snapshot& snapshot) {
  int foreign = 0;
  ASSIGN_OR_RETURN(const std::vector<PasswdEntry> entries,
                   ReadPasswd(host, &foreign));
  ASSIGN_OR_RETURN(const Shadow shadow, ReadShadowIfAny(host));
  const UidRange range = ReadUidRange(host, snapshot);
  const std::map<std::string, LastLogin> logins =
      ReadLastLogins(host, entries, snapshot);
  for (const PasswdEntry& entry : entries) {
    v1::Account row = MakeAccount(host, entry, range);
    FillPassword(entry, shadow, row);
    if (const auto login = logins.find(entry.name); login != logins.end()) {
      row.set_last_login(login->second.time / kDay * kDay);
      row.set_last_login_from(login->second.from);
    }
    *snapshot.add_accounts() = std::move(row);
  }
  if (foreign > 0)
    AddGap(snapshot, "accounts", "/etc/passwd",
           "a \"+\" or \"-\" line asks for accounts of NIS");
  return absl::OkStatus();
}

}  // namespace metsuke
