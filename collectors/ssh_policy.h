// What sshd allows one kind of connection, told from the lines `sshd -T -C`
// prints for it.

#ifndef METSUKE_COLLECTORS_SSH_POLICY_H_
#define METSUKE_COLLECTORS_SSH_POLICY_H_

#include <string>
#include <vector>

#include "collectors/ssh_pattern.h"
#include "collectors/sshd_config.h"

namespace metsuke {

struct SshAccount {
  std::string name;
  // Names of its groups; the primary one is among them.
  std::vector<std::string> groups;
  // False for one that stands for all names that are no account.
  bool exists = true;
  bool root = false;  // uid 0
};

struct SshPolicy {
  // Methods as they are asked for, in a fixed order.
  std::vector<std::string> enabled;
  // The lists of AuthenticationMethods; empty for "any".
  std::vector<std::vector<std::string>> lists;
  // What PermitRootLogin says: "yes", "no", "forced-commands-only", or
  // "prohibit-password".
  std::string root_login;
  bool use_pam = false;
  std::string pam_service = "sshd";
  // Whether passwords are also held against Kerberos.
  bool kerberos = false;
  // Whether names of clients are asked of the DNS and compared with patterns.
  bool use_dns = false;
  bool empty_passwords = false;
  // RefuseConnection: nobody gets in.
  bool refuses = false;
  // Whether of "a@b@c" in AllowUsers the host is "c", as since OpenSSH 9.9, and
  // not "b@c".
  bool host_behind_last_at = false;
  bool strict_modes = true;
  // What one can do without a shell.
  bool forwarding = true, sftp = false;
  std::vector<std::string> allow_users, deny_users, allow_groups, deny_groups;
  // Of AuthorizedKeysFile; none is empty.
  std::vector<std::string> key_files;
  // Empty for none.
  std::string keys_command, user_ca, principals_file, principals_command;
  std::string forced_command, chroot;
  // PubkeyAcceptedAlgorithms, comma-separated.
  std::string key_algorithms;

  bool operator==(const SshPolicy&) const = default;
};

SshPolicy MakeSshPolicy(const SshdSettings& settings);

// The ways to log in that the policy offers, each with its steps joined by ",":
// a method, or a list of AuthenticationMethods all of whose methods are
// enabled. For root only those that PermitRootLogin lets through; with
// forced-commands-only it is up to the key, and what has publickey is offered.
std::vector<std::string> SshMethods(const SshPolicy& policy, bool root);

// The addresses from which DenyUsers, AllowUsers, DenyGroups and AllowGroups
// let the account try.
SshSources SshAllowedFrom(const SshPolicy& policy, const SshAccount& account);

// The keywords that MakeSshPolicy and `sshd -T` of a key file depend on. What a
// Match block sets besides makes no difference to who can get in.
bool DecidesSshAccess(std::string_view keyword);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_POLICY_H_
