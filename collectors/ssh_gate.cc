#include "collectors/ssh_gate.h"

#include <fmt/format.h>

#include <ctime>

#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kAccessFile[] = "/etc/security/access.conf";
constexpr char kAccessFolder[] = "/etc/security/access.d";
constexpr char kNologin[] = "/etc/nologin";
constexpr size_t kFiles = 256;
// Pairs of rules that are held against each other; some seconds.
constexpr size_t kMostWork = 50'000'000;

// The value of `name` among the options of the module; nothing without it.
std::optional<std::string> OptionOf(const PamLine& line,
                                    std::string_view name) {
  std::optional<std::string> value;
  for (const std::string_view argument : line.arguments)
    if (argument.starts_with(name)) value = argument.substr(name.size());
  return value;
}

bool Has(const PamLine& line, std::string_view option) {
  for (const std::string_view argument : line.arguments)
    if (argument == option) return true;
  return false;
}

// Whether the password has to be changed at the next login, shadow(5).
bool MustChange(const v1::Account& row) {
  return row.password_changed() == 0 ||
         (row.password_max_days() >= 0 &&
          row.password_changed() + int64_t{86400} * row.password_max_days() <
              std::time(nullptr));
}

std::string Where(const PamLine& line) {
  return fmt::format("{}:{} {}", line.path, line.number, line.module);
}

}  // namespace

const SshGate::Answer& SshGate::Of(const SshPerson& person,
                                   const SshPolicy& policy) {
  const auto [known, added] = answers_.try_emplace(
      {person.account.name, policy.use_pam, policy.pam_service, policy.use_dns,
       policy.forwarding});
  if (added) known->second = Find(person, policy);
  return known->second;
}

SshGate::Answer SshGate::Find(const SshPerson& person,
                              const SshPolicy& policy) {
  Answer answer{{{AddressSet::Everywhere(), ""}}, "", ""};
  if (!policy.use_pam) {
    // Only a session is refused (do_nologin in session.c).
    if (person.account.root || !There(kNologin)) return answer;
    answer.denied_by = fmt::format("{} is there", kNologin);
    answer.restriction =
        fmt::format("forwarding alone while {} is there", kNologin);
    if (!policy.forwarding) answer.allowed.clear();
    return answer;
  }
  const Stack& stack = StackOf(policy.pam_service);
  if (!stack) return answer;
  for (size_t i = 0; i < stack->size() && !answer.allowed.empty(); ++i)
    PassModule(stack, i, person, policy.use_dns, answer);
  return answer;
}

const SshGate::Stack& SshGate::StackOf(const std::string& service) {
  const auto [known, added] = stacks_.try_emplace(service);
  if (!added) return known->second;
  known->second = ReadPamStack(host_, service, "account");
  if (!known->second)
    gaps_.Add("PAM service " + service,
              "its account stack could not be read, and may refuse more");
  return known->second;
}

void SshGate::PassModule(const Stack& stack, size_t at, const SshPerson& person,
                         bool use_dns, Answer& answer) {
  const PamLine& line = (*stack)[at];
  const bool nologin = line.module == "pam_nologin.so";
  if (!nologin && line.module != "pam_access.so") return;
  if (line.control == "optional" || line.control == "sufficient") return;
  if (!PamRefuses(line) || PamMayPass(*stack, at, MustChange(person.row))) {
    gaps_.Add(Where(line),
              "its control or that of a line before it may let somebody pass; "
              "what it refuses is not taken away");
    return;
  }
  if (nologin)
    PassNologin(line, person, answer);
  else
    PassAccess(line, person, use_dns, answer);
}

void SshGate::PassNologin(const PamLine& line, const SshPerson& person,
                          Answer& answer) {
  if (person.account.root) return;
  std::vector<std::string> files = {"/var/run/nologin", kNologin};
  if (const auto file = OptionOf(line, "file=")) files = {*file};
  for (const std::string& file : files) {
    if (!There(file)) continue;
    answer.allowed.clear();
    AddPart(answer.denied_by,
            fmt::format("{}: {} is there", Where(line), file));
    return;
  }
}

void SshGate::PassAccess(const PamLine& line, const SshPerson& person,
                         bool use_dns, Answer& answer) {
  const auto [known, added] =
      rules_.try_emplace({line.path, line.number, use_dns});
  Rules& rules = known->second;
  if (added) rules = ReadRules(line, use_dns);
  if (!groups_) {
    groups_.emplace();
    int foreign = 0;
    const auto groups = ReadGroups(host_, &foreign);
    if (groups.ok())
      for (const GroupEntry& group : *groups)
        groups_->emplace(group.name, group.gid);
  }
  const std::vector<AccessMatch> who =
      MatchAccessUsers(rules.rules, rules.syntax,
                       {person.account.name, person.groups}, *groups_);
  const auto [found, first] = rules.answers.try_emplace(who);
  if (first) {
    work_ += rules.rules.size() * rules.rules.size();
    if (work_ > kMostWork) {
      gaps_.Add(Where(line),
                "it has more rules than are held against accounts");
      found->second.allowed.emplace_back(AddressSet::Everywhere(), "");
    } else {
      found->second = ApplyAccessRules(rules.rules, who);
    }
  }
  for (const std::string& rule : found->second.unclear)
    gaps_.Add(rule,
              "it cannot be told whom it is about, and those it may let in are "
              "said to get in");
  AddPart(answer.denied_by, found->second.denied_by);
  std::vector<std::pair<AddressSet, std::string>> both;
  for (const auto& [from, why] : answer.allowed)
    for (const auto& [allowed, because] : found->second.allowed) {
      AddressSet part = from.And(allowed);
      if (part.empty()) continue;
      both.emplace_back(std::move(part), why);
      AddPart(both.back().second, because);
    }
  answer.allowed = std::move(both);
}

SshGate::Rules SshGate::ReadRules(const PamLine& line, bool use_dns) {
  Rules rules;
  rules.syntax.use_dns = use_dns;
  rules.syntax.no_default_group = Has(line, "nodefgroup");
  if (const auto fields = OptionOf(line, "fieldsep="))
    rules.syntax.fields = *fields;
  if (const auto lists = OptionOf(line, "listsep="))
    rules.syntax.lists = *lists;
  std::vector<std::string> files = {kAccessFile};
  if (const auto file = OptionOf(line, "accessfile=")) {
    files = {*file};
  } else if (const auto names = host_.List(kAccessFolder); names.ok()) {
    for (const std::string& name : *names) {
      if (!name.ends_with(".conf") || name.starts_with('.')) continue;
      if (files.size() == kFiles) {
        gaps_.Add(kAccessFolder, "it has more files than are read");
        break;
      }
      files.push_back(fmt::format("{}/{}", kAccessFolder, name));
    }
  } else if (!absl::IsNotFound(names.status())) {
    gaps_.Add(kAccessFolder, Message(names.status()));
  }
  for (const std::string& file : files) {
    if (AddFile(file, rules)) continue;
    rules.rules.clear();
    return rules;
  }
  return rules;
}

bool SshGate::AddFile(const std::string& path, Rules& rules) {
  const absl::StatusOr<std::string> text = host_.Read(path);
  if (absl::IsNotFound(text.status()) && path == kAccessFile) return true;
  if (!text.ok()) {
    gaps_.Add(path, Message(text.status()));
    return false;
  }
  if (AddAccessRules(*text, path, rules.syntax, rules.rules)) return true;
  gaps_.Add(path, "it has more rules than are read");
  return false;
}

bool SshGate::There(const std::string& path) {
  const absl::StatusOr<bool> there = host_.Exists(path);
  if (!there.ok()) gaps_.Add(path, Message(there.status()));
  return there.ok() && *there;
}

}  // namespace metsuke
