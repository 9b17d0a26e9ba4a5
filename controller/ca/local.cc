#include "controller/ca/local.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "controller/ca/issuer.h"
#include "controller/ca/ledger.h"
#include "proto/file.h"
#include "proto/status.h"
#include "proto/tls.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

absl::Status PrivateFolder(const std::string& dir) {
  if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return absl::ErrnoToStatus(errno, dir);
  struct stat info;
  if (stat(dir.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, dir);
  if (!S_ISDIR(info.st_mode))
    return absl::FailedPreconditionError(dir + ": not a folder");
  if ((info.st_mode & 0022) != 0)
    return absl::FailedPreconditionError(
        dir +
        ": others may write here, and keys must not lie where they can "
        "be replaced; chmod 700 it");
  return absl::OkStatus();
}

// The owner of the folder gets the files; only root can and need do it.
absl::Status LeaveToOwner(const std::string& dir,
                          const std::vector<std::string>& files) {
  struct stat info;
  if (geteuid() != 0) return absl::OkStatus();
  if (stat(dir.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, dir);
  for (const std::string& file : files) {
    const std::string path = dir + file;
    if (lchown(path.c_str(), info.st_uid, info.st_gid) != 0 && errno != ENOENT)
      return absl::ErrnoToStatus(errno, path);
  }
  return absl::OkStatus();
}

absl::Status CheckDns(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool good = !name.empty() && name.size() <= 253 &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '.';
                      });
    if (!good)
      return absl::InvalidArgumentError(fmt::format(
          "\"{}\" is no DNS name: lower-case letters, digits, \"-\" and \".\"",
          name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InitAuthority(const std::string& dir) {
  RETURN_IF_ERROR(PrivateFolder(dir));
  const int64_t now = std::time(nullptr);
  RETURN_IF_ERROR(MakeRoot(dir, now));
  RETURN_IF_ERROR(MakeIssuing(dir, now));
  RETURN_IF_ERROR(Ledger::Open(dir).status());
  return LeaveToOwner(dir, {kRootCertificate, kRootKey, kIssuingCertificate,
                            kIssuingKey, "/ca.db", "/ca.lock"});
}

absl::Status ReissueAuthority(const std::string& dir) {
  RETURN_IF_ERROR(MakeIssuing(dir, std::time(nullptr)));
  return LeaveToOwner(dir, {kIssuingCertificate, kIssuingKey});
}

absl::Status IssueLocally(const std::string& dir, const LocalWish& wish,
                          const std::string& out) {
  if (wish.days < 1 || wish.days > 3650)
    return absl::InvalidArgumentError("--days must be 1 to 3650");
  RETURN_IF_ERROR(CheckDns(wish.dns));
  ASSIGN_OR_RETURN(const Issuer issuer, Issuer::Load(dir));
  ASSIGN_OR_RETURN(const auto ledger, Ledger::Open(dir));
  RETURN_IF_ERROR(PrivateFolder(out));
  ASSIGN_OR_RETURN(const std::string key_pem, MakeKey());
  const KeyPtr key = ParseKey(key_pem);
  const Wish entry{KeyDigest(key.get()), std::time(nullptr), wish.days * kDay,
                   issuer.ends()};
  ASSIGN_OR_RETURN(const Grant grant,
                   ledger->GrantLocally(wish.role, wish.name, entry));
  ASSIGN_OR_RETURN(std::string chain, issuer.Issue(grant, key.get(), wish.dns));
  if (wish.role == "enrol") chain += issuer.root();
  RETURN_IF_ERROR(WriteFile(out + "/root.pem", issuer.root(), 0644));
  RETURN_IF_ERROR(WriteFile(out + "/key.pem", key_pem, 0600));
  RETURN_IF_ERROR(WriteFile(out + "/certificate.pem", chain, 0644));
  return LeaveToOwner(out, {"/root.pem", "/key.pem", "/certificate.pem"});
}

}  // namespace metsuke
