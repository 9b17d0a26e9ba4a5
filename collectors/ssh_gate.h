// What stands between an account that has shown who it is and its session:
// pam_access and pam_nologin in the account stack of PAM, and sshd's own look
// for /etc/nologin.

#ifndef METSUKE_COLLECTORS_SSH_GATE_H_
#define METSUKE_COLLECTORS_SSH_GATE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "collectors/gaps.h"
#include "collectors/pam_stack.h"
#include "collectors/ssh_access_conf.h"
#include "collectors/ssh_people.h"
#include "collectors/ssh_policy.h"

namespace metsuke {

class SshGate {
 public:
  // Both must outlive it. What cannot be told lets in, and is a gap.
  SshGate(const Host& host, Gaps& gaps) : host_(host), gaps_(gaps) {}

  struct Answer {
    // From where the account may come, in disjoint parts, and the lines that
    // make it so: of ssh_access a part of the column `why`.
    std::vector<std::pair<AddressSet, std::string>> allowed;
    // What keeps it out of the rest.
    std::string denied_by;
    // A part of the column `restrictions`.
    std::string restriction;
  };
  const Answer& Of(const SshPerson& person, const SshPolicy& policy);

 private:
  // The rules of one call of pam_access.
  struct Rules {
    AccessSyntax syntax;
    std::vector<AccessRule> rules;
    std::map<std::vector<AccessMatch>, AccessAnswer> answers;
  };
  using Stack = std::optional<std::vector<PamLine>>;

  Answer Find(const SshPerson& person, const SshPolicy& policy);
  const Stack& StackOf(const std::string& service);
  void PassModule(const Stack& stack, size_t at, const SshPerson& person,
                  bool use_dns, Answer& answer);
  void PassNologin(const PamLine& line, const SshPerson& person,
                   Answer& answer);
  void PassAccess(const PamLine& line, const SshPerson& person, bool use_dns,
                  Answer& answer);
  Rules ReadRules(const PamLine& line, bool use_dns);
  bool AddFile(const std::string& path, Rules& rules);
  bool There(const std::string& path);

  const Host& host_;
  Gaps& gaps_;
  std::map<std::string, Stack> stacks_;
  // By the line that calls the module, and UseDNS.
  std::map<std::tuple<std::string, int, bool>, Rules> rules_;
  // By the account, UsePAM, the service, UseDNS, and whether it may forward.
  std::map<std::tuple<std::string, bool, std::string, bool, bool>, Answer>
      answers_;
  // Names and numbers of the host's groups.
  std::optional<std::map<std::string, uint32_t>> groups_;
  size_t work_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_GATE_H_
