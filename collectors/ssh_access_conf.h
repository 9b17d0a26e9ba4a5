// What an access.conf(5) lets whom do from where, as pam_access reads it for
// connections of sshd, which hands it the text of the client's address.

#ifndef METSUKE_COLLECTORS_SSH_ACCESS_CONF_H_
#define METSUKE_COLLECTORS_SSH_ACCESS_CONF_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ssh_pattern.h"

namespace metsuke {

// One line, that lets in or keeps out.
struct AccessRule {
  bool allows = false;
  // Lists of tokens as they are written.
  std::vector<std::string> users, origins;
  // What the origins come to.
  SshSources from;
  // Whether the module may take no notice of the line: it is the last one and
  // has no end, or is a long one.
  bool doubtful = false;
  std::string path;
  int number = 0;  // from 1

  // "/etc/security/access.conf:3 - : ALL : ALL".
  std::string Text() const;
};

// The options of the module that change how it reads.
struct AccessSyntax {
  std::string fields = ":", lists = ", \t";
  // Only tokens in parentheses are groups.
  bool no_default_group = false;
  // Whether clients have names (UseDNS).
  bool use_dns = false;
};

// Adds the rules of one file; false when they are too many.
bool AddAccessRules(std::string_view text, const std::string& path,
                    const AccessSyntax& syntax, std::vector<AccessRule>& rules);

struct AccessUser {
  std::string name;
  std::set<uint32_t> groups;
};

// What the users of a rule say of an account: kMaybe where it takes more than
// the host's own files to tell, such as a netgroup.
enum class AccessMatch { kNo, kMaybe, kYes };

// One for each rule. `groups` has the numbers of all groups by their names.
std::vector<AccessMatch> MatchAccessUsers(
    const std::vector<AccessRule>& rules, const AccessSyntax& syntax,
    const AccessUser& user, const std::map<std::string, uint32_t>& groups);

// Where the rules let accounts come from.
struct AccessAnswer {
  // From where, and the rules that make it so; the parts are disjoint. What
  // cannot be told is taken to be let in.
  std::vector<std::pair<AddressSet, std::string>> allowed;
  // The rules that keep it out of somewhere.
  std::string denied_by;
  // The rules that could not be told.
  std::vector<std::string> unclear;
};

// The first rule that matches counts, and without any all may come. `who` is
// what MatchAccessUsers says.
AccessAnswer ApplyAccessRules(const std::vector<AccessRule>& rules,
                              const std::vector<AccessMatch>& who);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_ACCESS_CONF_H_
