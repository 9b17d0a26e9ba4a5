#include "agent/identity_files.h"

#include <boost/filesystem/operations.hpp>
#include <ctime>

#include "proto/file.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using boost::filesystem::path;

std::string Present(const path& state) {
  return (state / "identity.pem").string();
}
std::string Previous(const path& state) {
  return (state / "identity.previous.pem").string();
}
std::string Root(const path& state) { return (state / "root.pem").string(); }

bool Exists(const std::string& file) {
  boost::system::error_code ignored;
  return boost::filesystem::exists(file, ignored);
}

absl::StatusOr<Credential> Load(const path& state, const std::string& file) {
  return LoadCredential(file, file, Root(state));
}

}  // namespace

bool HasIdentity(const path& state) {
  return Exists(Present(state)) || Exists(Previous(state));
}

absl::StatusOr<Credential> LoadIdentity(const path& state) {
  if (!HasIdentity(state))
    return absl::NotFoundError(
        state.string() +
        ": this host is not enrolled; get a join token with \"metsukectl token "
        "create\" and run \"metsuke-agent join\"");
  auto present = Load(state, Present(state));
  if (present.ok()) return present;
  if (Exists(Previous(state))) {
    auto previous = Load(state, Previous(state));
    if (previous.ok()) return previous;
  }
  return present;
}

absl::Status StoreIdentity(const path& state, const std::string& key,
                           const std::string& chain, const std::string& root) {
  RETURN_IF_ERROR(CheckKey(chain, key));
  RETURN_IF_ERROR(WriteFile(Root(state), root, 0600));
  RETURN_IF_ERROR(WriteFile(Present(state), key + chain, 0600));
  return ConfirmIdentity(state);
}

absl::StatusOr<Renewal> StartRenewal() {
  Renewal renewal;
  ASSIGN_OR_RETURN(renewal.key, MakeKey());
  ASSIGN_OR_RETURN(renewal.request, MakeRequest(renewal.key));
  return renewal;
}

bool RenewalDue(const Identity& identity, int64_t now, double jitter) {
  const double half =
      static_cast<double>(identity.not_after - identity.not_before) / 2;
  const double age = static_cast<double>(now - identity.not_before);
  return age >= half * (1 + jitter / 10);
}

absl::Status StoreRenewal(const path& state, const Renewal& renewal,
                          const std::string& chain) {
  RETURN_IF_ERROR(CheckKey(chain, renewal.key));
  ASSIGN_OR_RETURN(const Identity next, IdentityOf(chain));
  ASSIGN_OR_RETURN(const std::string present, ReadFile(Present(state)));
  ASSIGN_OR_RETURN(const Identity own, IdentityOf(present));
  if (next.role != own.role || next.name != own.name)
    return absl::InvalidArgumentError(
        "the renewed certificate is not for this host");
  RETURN_IF_ERROR(CheckTime(next, std::time(nullptr)));
  RETURN_IF_ERROR(WriteFile(Previous(state), present, 0600));
  return WriteFile(Present(state), renewal.key + chain, 0600);
}

absl::Status ConfirmIdentity(const path& state) {
  boost::system::error_code error;
  boost::filesystem::remove(Previous(state), error);
  if (error) return absl::InternalError(Previous(state) + ": cannot remove");
  return absl::OkStatus();
}

absl::Status RevertIdentity(const path& state) {
  if (!Exists(Previous(state)))
    return absl::NotFoundError("there is no previous identity");
  ASSIGN_OR_RETURN(const std::string previous, ReadFile(Previous(state)));
  RETURN_IF_ERROR(WriteFile(Present(state), previous, 0600));
  return ConfirmIdentity(state);
}

}  // namespace metsuke
