#include "collectors/ssh_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "collectors/account_keys.h"
#include "collectors/ssh_principals.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// Lists of from= that are read; each takes some milliseconds at worst.
constexpr size_t kMostLists = 2000;

// Of an authority the certificates are taken, whose types are others.
bool IsAuthority(const v1::AuthorizedKey& key) {
  return key.options().find("cert-authority") != std::string::npos;
}

// Keys of RSA are taken by their signatures' names.
bool Accepted(const SshPolicy& policy, const std::string& type) {
  const std::vector<std::string_view> names =
      Pieces(policy.key_algorithms, ',');
  const auto takes = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  return policy.key_algorithms.empty() || takes(type) ||
         (type == "ssh-rsa" &&
          (takes("rsa-sha2-256") || takes("rsa-sha2-512")));
}

bool Taken(const v1::AuthorizedKey& key, const SshPerson& person,
           const SshPolicy& policy) {
  if (key.ignored()) return false;
  if (IsAuthority(key)) return true;
  if (!Accepted(policy, key.type())) return false;
  return !person.account.root || policy.root_login != "forced-commands-only" ||
         !key.command().empty() || !policy.forced_command.empty();
}

std::string Restrictions(const v1::AuthorizedKey& key, const SshPolicy& policy,
                         const std::string& account) {
  std::string text;
  if (IsAuthority(key))
    text = "a certificate signed by that key with " +
           SshKeyPrincipals(key.options(), account);
  if (!key.command().empty() && policy.forced_command.empty())
    text += (text.empty() ? "" : "; ") + ("forced command " + key.command());
  return text;
}

}  // namespace

std::map<SshKeys::Kind, AddressSet> SshKeys::Of(const SshPerson& person,
                                                const SshPolicy& policy) {
  std::map<Kind, AddressSet> keys;
  const Read& read = FilesOf(person, policy);
  for (const v1::AuthorizedKey& key : read.keys) {
    if (!Taken(key, person, policy)) continue;
    const SshSources& from = From(key, policy.use_dns);
    if (!from.exact())
      gaps_.Add(key.path(),
                "a key's from= cannot be told as networks; write networks such "
                "as 10.0.0.0/8",
                {"source"});
    const AddressSet possible = from.Possible();
    if (possible.empty()) continue;  // names of hosts
    keys[{Restrictions(key, policy, person.account.name),
          "key in " + key.path()}]
        .Add(possible);
  }
  std::vector<std::string> unseen;
  for (const std::string& path : read.unread)
    unseen.push_back("keys in " + path + " could not be read");
  if (!policy.user_ca.empty())
    if (const auto with = SshPrincipals(host_, person, policy, gaps_))
      unseen.push_back(fmt::format("a certificate signed by {} with {}",
                                   policy.user_ca, *with));
  if (!policy.keys_command.empty())
    unseen.push_back("a key that " + policy.keys_command + " tells");
  for (const std::string& what : unseen)
    keys[{what, ""}] = AddressSet::Everywhere();
  return keys;
}

// The text of a long list is cut off, and it may be about anybody.
const SshSources& SshKeys::From(const v1::AuthorizedKey& key, bool use_dns) {
  static const SshSources& anybody =
      *new SshSources{AddressSet::Everywhere(), {}};
  static const SshSources& unknown =
      *new SshSources{{}, AddressSet::Everywhere()};
  if (key.from().empty()) return anybody;
  if (key.from().ends_with("…") || lists_.size() > kMostLists) return unknown;
  const auto [known, added] = lists_.try_emplace(key.from());
  if (added) known->second = SshClientAddresses(key.from(), use_dns);
  return known->second;
}

const SshKeys::Read& SshKeys::FilesOf(const SshPerson& person,
                                      const SshPolicy& policy) {
  const auto [known, added] = files_.try_emplace(
      {person.account.name, policy.key_files, policy.strict_modes});
  if (!added) return known->second;
  v1::Snapshot found;
  AddAccountKeys(host_, person.passwd, {policy.key_files, policy.strict_modes},
                 found);
  Read& read = known->second;
  read.keys.assign(found.authorized_keys().begin(),
                   found.authorized_keys().end());
  for (const v1::Gap& gap : found.gaps()) {
    read.unread.push_back(gap.subject());
    gaps_.Add(gap.subject(), gap.reason(), {"restrictions", "why"});
  }
  return read;
}

}  // namespace metsuke
