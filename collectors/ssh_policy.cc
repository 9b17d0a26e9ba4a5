#include "collectors/ssh_policy.h"

#include <algorithm>
#include <set>

#include "collectors/words.h"

namespace metsuke {
namespace {

// sshd prints "none" where nothing is set.
std::string Set(const SshdSettings& settings, std::string_view keyword) {
  const std::string value = SettingOf(settings, keyword);
  return value == "none" ? "" : value;
}

bool Yes(const SshdSettings& settings, std::string_view keyword) {
  return SettingOf(settings, keyword) == "yes";
}

std::vector<std::string> All(const SshdSettings& settings,
                             std::string_view keyword) {
  std::vector<std::string> values;
  for (const auto& [name, value] : settings)
    if (name == keyword)
      for (const std::string_view word : Words(value))
        values.emplace_back(word);
  return values;
}

// The values of the lines, each of which is one, blanks included.
std::vector<std::string> EachLine(const SshdSettings& settings,
                                  std::string_view keyword) {
  std::vector<std::string> values;
  for (const auto& [name, value] : settings)
    if (name == keyword) values.push_back(value);
  return values;
}

std::vector<std::string> Strings(std::string_view text, char separator) {
  std::vector<std::string> strings;
  for (const std::string_view piece : Pieces(text, separator))
    strings.emplace_back(piece);
  return strings;
}

// "keyboard-interactive:pam" names a device, and PAM is the only one.
std::string Method(const std::string& step) {
  return step.substr(0, step.find(':'));
}

bool AnyGroup(const SshAccount& account,
              const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return std::ranges::any_of(account.groups, [&](const std::string& group) {
      return SshPatternMatches(group, pattern);
    });
  });
}

// The addresses for which one of `patterns`, each "user" or "user@hosts", is
// about the account (match_user in match.c).
SshSources SpokenOf(const std::vector<std::string>& patterns,
                    const std::string& name, const SshPolicy& policy) {
  SshSources sources;
  for (const std::string_view pattern : patterns) {
    const size_t at =
        policy.host_behind_last_at ? pattern.rfind('@') : pattern.find('@');
    if (!SshPatternMatches(name, pattern.substr(0, at))) continue;
    if (at == pattern.npos) return {AddressSet::Everywhere(), {}};
    const SshSources hosts =
        SshClientAddresses(pattern.substr(at + 1), policy.use_dns);
    sources.surely.Add(hosts.surely);
    sources.maybe.Add(hosts.maybe);
  }
  sources.maybe = sources.maybe.Without(sources.surely);
  return sources;
}

bool RootMay(const SshPolicy& policy, const std::string& step) {
  if (policy.root_login == "yes") return true;
  // prohibit-password and forced-commands-only (auth_root_allowed in auth.c).
  return policy.root_login != "no" &&
         (step == "publickey" || step == "hostbased" ||
          step == "gssapi-with-mic");
}

}  // namespace

SshPolicy MakeSshPolicy(const SshdSettings& settings) {
  SshPolicy policy;
  policy.use_pam = Yes(settings, "usepam");
  policy.empty_passwords = Yes(settings, "permitemptypasswords");
  policy.strict_modes = SettingOf(settings, "strictmodes") != "no";
  policy.kerberos = Yes(settings, "kerberosauthentication");
  policy.use_dns = Yes(settings, "usedns");
  // The keyword came with the same release as the other reading of "@"
  // (servconf.c and match.c of OpenSSH 9.9).
  const std::string refuses = SettingOf(settings, "refuseconnection");
  policy.refuses = refuses == "yes";
  policy.host_behind_last_at = !refuses.empty();
  if (const std::string service = Set(settings, "pamservicename");
      !service.empty())
    policy.pam_service = service;
  policy.forwarding =
      !Yes(settings, "disableforwarding") &&
      (SettingOf(settings, "allowtcpforwarding") != "no" ||
       SettingOf(settings, "allowstreamlocalforwarding") != "no");
  for (const std::string& subsystem : EachLine(settings, "subsystem"))
    policy.sftp = policy.sftp || subsystem.starts_with("sftp internal-sftp");
  const bool password = Yes(settings, "passwordauthentication");
  if (Yes(settings, "pubkeyauthentication"))
    policy.enabled.push_back("publickey");
  if (password) policy.enabled.push_back("password");
  if (Yes(settings, "kbdinteractiveauthentication"))
    policy.enabled.push_back("keyboard-interactive");
  if (Yes(settings, "hostbasedauthentication"))
    policy.enabled.push_back("hostbased");
  if (Yes(settings, "gssapiauthentication"))
    policy.enabled.push_back("gssapi-with-mic");
  // Who has an empty password need not even say so (auth2-none.c).
  if (policy.empty_passwords && password) policy.enabled.push_back("none");
  for (const std::string& list : All(settings, "authenticationmethods"))
    if (list != "any") policy.lists.push_back(Strings(list, ','));
  policy.root_login = SettingOf(settings, "permitrootlogin");
  if (policy.root_login == "without-password")
    policy.root_login = "prohibit-password";
  policy.allow_users = EachLine(settings, "allowusers");
  policy.deny_users = EachLine(settings, "denyusers");
  policy.allow_groups = EachLine(settings, "allowgroups");
  policy.deny_groups = EachLine(settings, "denygroups");
  for (const std::string& file : All(settings, "authorizedkeysfile"))
    if (file != "none") policy.key_files.push_back(file);
  policy.keys_command = Set(settings, "authorizedkeyscommand");
  policy.user_ca = Set(settings, "trustedusercakeys");
  policy.principals_file = Set(settings, "authorizedprincipalsfile");
  policy.principals_command = Set(settings, "authorizedprincipalscommand");
  policy.forced_command = Set(settings, "forcecommand");
  policy.chroot = Set(settings, "chrootdirectory");
  policy.key_algorithms = SettingOf(settings, "pubkeyacceptedalgorithms");
  return policy;
}

std::vector<std::string> SshMethods(const SshPolicy& policy, bool root) {
  // A key with a forced command lets the other steps through, too
  // (auth_root_allowed in auth.c).
  bool forced = false;
  const auto offered = [&](const std::string& step) {
    const std::string method = Method(step);
    return std::ranges::find(policy.enabled, method) != policy.enabled.end() &&
           (!root || forced || RootMay(policy, method));
  };
  std::vector<std::string> methods;
  if (policy.refuses) return methods;
  if (policy.lists.empty()) {
    std::ranges::copy_if(policy.enabled, std::back_inserter(methods), offered);
    return methods;
  }
  for (const std::vector<std::string>& list : policy.lists) {
    forced = policy.root_login == "forced-commands-only" &&
             std::ranges::find(list, "publickey") != list.end();
    if (!std::ranges::all_of(list, offered)) continue;
    std::string steps;
    for (const std::string& step : list)
      steps += (steps.empty() ? "" : ",") + Method(step);
    methods.push_back(steps);
  }
  return methods;
}

SshSources SshAllowedFrom(const SshPolicy& policy, const SshAccount& account) {
  if (AnyGroup(account, policy.deny_groups) ||
      (!policy.allow_groups.empty() && !AnyGroup(account, policy.allow_groups)))
    return {};
  const SshSources denied = SpokenOf(policy.deny_users, account.name, policy);
  SshSources allowed{AddressSet::Everywhere(), {}};
  if (!policy.allow_users.empty())
    allowed = SpokenOf(policy.allow_users, account.name, policy);
  const AddressSet possible = allowed.Possible().Without(denied.surely);
  allowed.surely = allowed.surely.Without(denied.Possible());
  allowed.maybe = possible.Without(allowed.surely);
  return allowed;
}

bool DecidesSshAccess(std::string_view keyword) {
  static const std::set<std::string_view> kKeywords = {
      "allowgroups",
      "allowstreamlocalforwarding",
      "allowtcpforwarding",
      "allowusers",
      "authenticationmethods",
      "authorizedkeyscommand",
      "authorizedkeysfile",
      "authorizedkeysfile2",
      "authorizedprincipalscommand",
      "authorizedprincipalsfile",
      "challengeresponseauthentication",
      "chrootdirectory",
      "denygroups",
      "denyusers",
      "disableforwarding",
      "dsaauthentication",
      "forcecommand",
      "gssapiauthentication",
      "hostbasedauthentication",
      "kbdinteractiveauthentication",
      "kerberosauthentication",
      "pamservicename",
      "subsystem",
      "passwordauthentication",
      "permitemptypasswords",
      "permitrootlogin",
      "pubkeyacceptedalgorithms",
      "pubkeyacceptedkeytypes",
      "pubkeyauthentication",
      "refuseconnection",
      "skeyauthentication",
      "trustedusercakeys"};
  return kKeywords.contains(keyword);
}

}  // namespace metsuke
