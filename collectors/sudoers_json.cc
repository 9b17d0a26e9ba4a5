#include "collectors/sudoers_json.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "collectors/collector.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using nlohmann::json;

constexpr int kDepth = 16;  // the real output nests 7 deep
constexpr int kRules = 100'000;

// cvtsudoers 1.9.13 writes no comma after an empty list, which it makes of an
// alias that is not defined. In JSON a value is never followed by another
// without one, so it can be put back wherever that happens outside of strings.
std::string WithCommas(std::string_view text) {
  std::string fixed;
  bool quoted = false, closed = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\' && i + 1 < text.size()) fixed += text[i++];
      quoted = text[i] != '"' || text[i - 1] == '\\';
      fixed += text[i];
      continue;
    }
    if (closed && (c == '{' || c == '[' || c == '"')) fixed += ',';
    quoted = c == '"';
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
      closed = c == ']' || c == '}';
    fixed += c;
  }
  return fixed;
}

// The member of an object; nullptr when there is none.
const json* Member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto member = object.find(key);
  return member == object.end() ? nullptr : &*member;
}

// The elements of a list in an object; none when there is no such list.
const json::array_t& List(const json& object, const char* key) {
  static const json::array_t kNone;
  const json* list = Member(object, key);
  const auto* array = list ? list->get_ptr<const json::array_t*>() : nullptr;
  return array ? *array : kNone;
}

std::string Text(const json& value) {
  if (const auto* text = value.get_ptr<const json::string_t*>()) return *text;
  return value.is_number_integer() ? value.dump() : "";
}

bool IsTrue(const json& object, const char* key) {
  const json* value = Member(object, key);
  return value && value->is_boolean() && value->get<bool>();
}

// What the options of a rule or of Defaults say about passwords, if anything.
std::optional<bool> Authenticate(const json& owner) {
  std::optional<bool> answer;
  for (const json& option : List(owner, "Options"))
    if (Member(option, "authenticate")) answer = IsTrue(option, "authenticate");
  return answer;
}

// A user, group or host as sudoers(5) writes it.
std::string Principal(const json& item) {
  constexpr std::pair<const char*, const char*> kForms[] = {
      {"username", ""},  {"userid", "#"},        {"usergroup", "%"},
      {"usergid", "%#"}, {"nonunixgroup", "%:"}, {"nonunixgid", "%:#"},
      {"netgroup", "+"}, {"hostname", ""},       {"networkaddr", ""},
      {"command", ""},   {"useralias", ""},      {"runasalias", ""},
      {"hostalias", ""}, {"cmndalias", ""},
  };
  for (const auto& [key, prefix] : kForms)
    if (const json* value = Member(item, key)) return prefix + Text(*value);
  return "";
}

std::string Joined(const json::array_t& items, std::string_view plain_prefix) {
  std::string text;
  for (const json& item : items) {
    std::string name = Principal(item);
    // Of a group one may run as, "%" would be wrong: "(root:adm)".
    if (!plain_prefix.empty() && name.starts_with(plain_prefix))
      name.erase(0, plain_prefix.size());
    text += (text.empty() ? "" : ",") +
            std::string(IsTrue(item, "negated") ? "!" : "") + name;
  }
  return text;
}

// "(users:groups)" of a rule without the brackets. sudoers(5): with neither
// the command runs as `by_default`, with groups alone, or with an empty list,
// as the one who calls sudo.
std::string RunAs(const json& spec, const std::string& by_default) {
  const json::array_t& users = List(spec, "runasusers");
  const json::array_t& groups = List(spec, "runasgroups");
  if (users.empty() && groups.empty()) return by_default;
  const std::string names = Joined(users, "");
  const std::string group_names = Joined(groups, "%");
  if (group_names.empty() && !names.empty()) return names;
  return names + ":" + group_names;
}

// A command with its digests, as sudoers(5) writes it.
std::string Command(const json& item) {
  std::string digests;
  for (const char* kind : {"sha224", "sha256", "sha384", "sha512"}) {
    const json* value = Member(item, kind);
    if (!value) continue;
    const json::array_t one = {*value};
    for (const json& digest : value->is_array() ? List(item, kind) : one)
      digests += fmt::format("{}{}:{}", digests.empty() ? "" : ", ", kind,
                             Text(digest));
  }
  return (digests.empty() ? "" : digests + " ") + Principal(item);
}

// A Defaults line for users: the last of its entries that covers an account
// decides whether it speaks of it.
struct Binding {
  struct Entry {
    std::string who;
    bool negated;
  };
  std::vector<Entry> users;
  bool authenticate;
};

// The Defaults that matter to a rule.
struct Defaults {
  bool authenticate = true;
  std::string run_as = "root";
  std::vector<Binding> bindings;
};

void TakeGlobal(const json& entry, Defaults& defaults, v1::Snapshot& snapshot) {
  if (const std::optional<bool> answer = Authenticate(entry))
    defaults.authenticate = *answer;
  for (const json& option : List(entry, "Options")) {
    if (const json* value = Member(option, "runas_default"))
      defaults.run_as = Text(*value);
    if (const json* value = Member(option, "exempt_group");
        value && value->is_string())
      AddGap(snapshot, "sudo_rules", "Defaults exempt_group",
             fmt::format("whoever is in the group {} is not asked for a "
                         "password, whatever the rules say",
                         Text(*value)));
  }
}

void TakeBound(const json& entry, Defaults& defaults) {
  const std::optional<bool> answer = Authenticate(entry);
  if (!answer) return;
  Binding binding{{}, *answer};
  for (const json& item : List(entry, "Binding"))
    binding.users.push_back({Principal(item), IsTrue(item, "negated")});
  defaults.bindings.push_back(std::move(binding));
}

Defaults ReadDefaults(const json& policy, v1::Snapshot& snapshot) {
  Defaults defaults;
  for (const json& entry : List(policy, "Defaults")) {
    if (Member(entry, "Binding")) {
      TakeBound(entry, defaults);
    } else {
      TakeGlobal(entry, defaults, snapshot);
    }
  }
  return defaults;
}

// Who is in which group of the local account database.
class Directory {
 public:
  Directory(const std::vector<PasswdEntry>& accounts,
            const std::vector<GroupEntry>& groups)
      : accounts_(accounts) {
    for (const GroupEntry& group : groups) {
      std::set<std::string>& members = members_["%" + group.name];
      members.insert(group.members.begin(), group.members.end());
      for (const PasswdEntry& account : accounts)
        if (account.gid == group.gid) members.insert(account.name);
      members_[fmt::format("%#{}", group.gid)] = members;
    }
  }

  const std::vector<PasswdEntry>& accounts() const { return accounts_; }

  // Whether `who`, as in sudoers(5), is the account or holds it.
  bool Covers(const std::string& who, const PasswdEntry& account) const {
    if (who == "ALL" || who == account.name) return true;
    if (who == fmt::format("#{}", account.uid)) return true;
    const auto group = members_.find(who);
    return group != members_.end() && group->second.contains(account.name);
  }

  // The account `who` is; nullptr for a group, ALL or a stranger.
  const PasswdEntry* Find(const std::string& who) const {
    for (const PasswdEntry& account : accounts_)
      if (who == account.name || who == fmt::format("#{}", account.uid))
        return &account;
    return nullptr;
  }

 private:
  const std::vector<PasswdEntry>& accounts_;
  std::map<std::string, std::set<std::string>> members_;
};

// Whether Defaults make sudo ask `subject` for a password. Of a group only
// what covers all of it counts; its members are looked at one by one.
bool AsksPassword(const std::string& subject, const Defaults& defaults,
                  const Directory& directory) {
  const PasswdEntry* account = directory.Find(subject);
  bool answer = defaults.authenticate;
  for (const Binding& binding : defaults.bindings) {
    bool applies = false;
    for (const Binding::Entry& entry : binding.users)
      if (account ? directory.Covers(entry.who, *account)
                  : entry.who == "ALL" || entry.who == subject)
        applies = !entry.negated;
    if (applies) answer = binding.authenticate;
  }
  return answer;
}

// `row` for its subject, and for the accounts of the subject that Defaults let
// go without a password.
void AddRule(v1::SudoRule row, std::optional<bool> tag,
             const Defaults& defaults, const Directory& directory,
             v1::Snapshot& snapshot) {
  const std::string subject = row.subject();
  row.set_authenticate(
      tag.value_or(AsksPassword(subject, defaults, directory)));
  *snapshot.add_sudo_rules() = row;
  if (tag || !row.authenticate() || defaults.bindings.empty() ||
      directory.Find(subject))
    return;
  for (const PasswdEntry& account : directory.accounts()) {
    if (!directory.Covers(subject, account) ||
        AsksPassword(account.name, defaults, directory))
      continue;
    row.set_subject(account.name);
    row.set_authenticate(false);
    *snapshot.add_sudo_rules() = row;
  }
}

void AddSpec(const json& user_spec, const json& spec, const Defaults& defaults,
             const Directory& directory, v1::Snapshot& snapshot) {
  v1::SudoRule row;
  row.set_hosts(Joined(List(user_spec, "Host_List"), ""));
  row.set_run_as(RunAs(spec, defaults.run_as));
  const std::optional<bool> tag = Authenticate(spec);
  for (const json& command : List(spec, "Commands")) {
    row.set_command(Command(command));
    row.set_denied(IsTrue(command, "negated"));
    for (const json& user : List(user_spec, "User_List")) {
      // "ALL, !bob" leaves bob out of the rule and forbids nothing; the rows
      // then say one account too much, never one too few.
      if (IsTrue(user, "negated")) continue;
      row.set_subject(Principal(user));
      AddRule(row, tag, defaults, directory, snapshot);
    }
  }
}

// Without anything to say cvtsudoers prints only blank lines.
absl::StatusOr<json> ParsePolicy(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return json::object();
  bool deep = false;
  json policy = json::parse(
      WithCommas(text),
      [&](int depth, json::parse_event_t, json&) {
        deep = deep || depth > kDepth;
        return !deep;
      },
      /*allow_exceptions=*/false);
  if (deep || !policy.is_object())
    return absl::InvalidArgumentError("cvtsudoers printed no JSON object");
  return policy;
}

}  // namespace

absl::Status ParseSudoers(const std::string& text,
                          const std::vector<PasswdEntry>& accounts,
                          const std::vector<GroupEntry>& groups,
                          v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const json policy, ParsePolicy(text));
  const Directory directory(accounts, groups);
  const Defaults defaults = ReadDefaults(policy, snapshot);
  for (const json& user_spec : List(policy, "User_Specs")) {
    // An empty list of hosts is an alias nobody defined: the rule holds
    // nowhere.
    if (List(user_spec, "Host_List").empty()) continue;
    for (const json& spec : List(user_spec, "Cmnd_Specs"))
      AddSpec(user_spec, spec, defaults, directory, snapshot);
    if (snapshot.sudo_rules_size() > kRules)
      return absl::ResourceExhaustedError(
          fmt::format("more than {} rules", kRules));
  }
  return absl::OkStatus();
}

absl::Status ParseBoundDefaults(const std::string& text,
                                v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const json policy, ParsePolicy(text));
  for (const json& entry : List(policy, "Defaults"))
    if (Authenticate(entry) == false)
      AddGap(snapshot, "sudo_rules",
             "Defaults for " + Joined(List(entry, "Binding"), ""),
             "!authenticate for a host, a command or a target user: some "
             "rules may ask for no password");
  return absl::OkStatus();
}

}  // namespace metsuke
