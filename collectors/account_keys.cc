#include "collectors/account_keys.h"

#include <fmt/format.h>

#include "collectors/authorized_key_line.h"
#include "collectors/collector.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "authorized_keys";
constexpr int kKeysOfOneFile = 4096;

// The account's home as sshd, which works in "/", comes to it, without a slash
// at its end. It is empty for "/": what stands below that is the system's.
std::string HomeOf(const PasswdEntry& account) {
  std::string home = account.home;
  while (home.ends_with('/')) home.pop_back();
  return home.empty() || home.starts_with('/') ? home : "/" + home;
}

// The path with its tokens replaced; below the home unless absolute.
std::string ExpandPath(const std::string& pattern, const PasswdEntry& account,
                       const std::string& home) {
  std::string path;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      path += pattern[i];
      continue;
    }
    switch (pattern[++i]) {
      case 'h':
        path += home;
        break;
      case 'u':
        path += account.name;
        break;
      case 'U':
        path += std::to_string(account.uid);
        break;
      default:
        path += pattern[i];
    }
  }
  return path.starts_with('/') ? path : home + "/" + path;
}

// `path` from the home on; empty when it is the system's.
std::string FromHome(const std::string& path, const std::string& home) {
  if (home.empty() || !path.starts_with(home + "/")) return "";
  return path.substr(home.size() + 1);
}

// What `status` says of `path`. NotFound is no answer when the name on the host
// is not UTF-8, for then it was another name that was looked for.
absl::Status Doubt(const absl::Status& status, const std::string& path) {
  if (!absl::IsNotFound(status) || path.find("\uFFFD") == std::string::npos)
    return status;
  return absl::UnavailableError("its name is not UTF-8");
}

// Whether StrictModes makes sshd ignore the file (safe_path in misc.c): it or
// a folder above it, up to the home or else the root, belongs to somebody
// other than root and the account, or others may write to it.
bool Ignored(const Host& host, const PasswdEntry& account,
             const std::string& home, const std::string& path) {
  const bool below = !FromHome(path, home).empty();
  std::string current = path;
  while (true) {
    const std::string relative = FromHome(current, home);
    const bool in_home = below && !relative.empty();
    const absl::StatusOr<FileInfo> info =
        in_home ? host.StatBelow(home, relative) : host.Stat(current);
    if (info.ok() && ((info->uid != 0 && info->uid != account.uid) ||
                      (info->mode & 022) != 0))
      return true;
    if (current == "/" || (below && !in_home)) return false;
    const size_t slash = current.rfind('/');
    if (slash == std::string::npos) return false;
    current = slash == 0 ? "/" : current.substr(0, slash);
  }
}

// The beginning of what a user wrote, so that one user's file cannot fill the
// table; the fingerprint tells keys apart all the same.
std::string Cut(const std::string& text) {
  constexpr size_t kMost = 4096;
  return text.size() <= kMost ? text : ToUtf8(text.substr(0, kMost)) + "…";
}

void AddKeys(std::string_view text, const v1::AuthorizedKey& prototype,
             v1::Snapshot& snapshot) {
  int keys = 0;
  std::string_view line;
  while (NextLine(text, line)) {
    const std::optional<KeyLine> key = ParseKeyLine(line);
    if (!key) continue;
    if (++keys > kKeysOfOneFile)
      return AddGap(snapshot, kTable, prototype.path(),
                    fmt::format("more than {} keys", kKeysOfOneFile));
    v1::AuthorizedKey& row = *snapshot.add_authorized_keys();
    row = prototype;
    row.set_fingerprint(key->fingerprint);
    row.set_type(key->type);
    row.set_bits(key->bits);
    row.set_comment(Cut(key->comment));
    row.set_from(Cut(key->from));
    row.set_command(Cut(key->command));
    row.set_options(Cut(key->options));
  }
}

AccountFile ReadFile(const Host& host, const PasswdEntry& account,
                     const std::string& home, const std::string& path,
                     bool strict_modes) {
  const std::string relative = FromHome(path, home);
  AccountFile file{path, relative.empty() ? host.Read(path)
                                          : host.ReadBelow(home, relative)};
  if (const absl::Status status = Doubt(file.text.status(), path); !status.ok())
    file.text = status;
  else
    file.ignored = strict_modes && Ignored(host, account, home, path);
  return file;
}

void AddFile(const PasswdEntry& account, const AccountFile& file,
             v1::Snapshot& snapshot) {
  const absl::Status status = file.text.status();
  if (absl::IsNotFound(status)) return;
  if (!status.ok()) return AddGap(snapshot, kTable, file.path, Message(status));
  v1::AuthorizedKey prototype;
  prototype.set_account(account.name);
  prototype.set_path(file.path);
  prototype.set_ignored(file.ignored);
  AddKeys(*file.text, prototype, snapshot);
}

}  // namespace

void AddAccountKeys(const Host& host, const PasswdEntry& account,
                    const KeySource& policy, v1::Snapshot& snapshot) {
  const std::string home = HomeOf(account);
  const absl::Status seen =
      home.empty() ? absl::OkStatus() : Doubt(host.Stat(home).status(), home);
  bool hidden = false;
  for (const std::string& pattern : policy.files) {
    const std::string path = ExpandPath(pattern, account, home);
    if (seen.ok() || FromHome(path, home).empty())
      AddFile(account, ReadFile(host, account, home, path, policy.strict_modes),
              snapshot);
    else
      hidden = !absl::IsNotFound(seen);
  }
  if (hidden) AddGap(snapshot, kTable, home, Message(seen));
}

AccountFile ReadAccountFile(const Host& host, const PasswdEntry& account,
                            const std::string& pattern, bool strict_modes) {
  const std::string home = HomeOf(account);
  return ReadFile(host, account, home, ExpandPath(pattern, account, home),
                  strict_modes);
}

}  // namespace metsuke
