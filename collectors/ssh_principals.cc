#include "collectors/ssh_principals.h"

#include <fmt/format.h>

#include <vector>

#include "collectors/account_keys.h"
#include "collectors/words.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kNamed = 10;
constexpr size_t kLongest = 256;

// "the principal a", "one of the principals a, b, …".
std::string Named(const std::vector<std::string>& principals) {
  std::string text =
      principals.size() == 1 ? "the principal " : "one of the principals ";
  for (size_t i = 0; i < principals.size(); ++i) {
    if (i == kNamed) return text + ", …";
    text += i == 0 ? "" : ", ";
    text += principals[i].size() <= kLongest
                ? principals[i]
                : ToUtf8(principals[i].substr(0, kLongest)) + "…";
  }
  return text;
}

// The lines of the file, each a principal, with options before it or without.
std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> principals;
  for (std::string_view line : Lines(text)) {
    line = Strip(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const size_t blank = line.find_last_of(" \t");
    std::string name(line.substr(blank + 1));
    if (blank != line.npos)
      name = fmt::format("{} ({})", name, Strip(line.substr(0, blank)));
    principals.push_back(std::move(name));
  }
  return principals;
}

}  // namespace

std::optional<std::string> SshPrincipals(const Host& host,
                                         const SshPerson& person,
                                         const SshPolicy& policy, Gaps& gaps) {
  if (policy.principals_file.empty() && policy.principals_command.empty())
    return Named({person.account.name});
  std::optional<std::string> with;
  const auto add = [&](const std::string& what) {
    with = with ? *with + " or " + what : what;
  };
  if (!policy.principals_file.empty()) {
    const AccountFile file = ReadAccountFile(
        host, person.passwd, policy.principals_file, policy.strict_modes);
    if (!file.text.ok() && !absl::IsNotFound(file.text.status())) {
      gaps.Add(file.path, Message(file.text.status()), {"restrictions", "why"});
      add("a principal in " + file.path);
    } else if (file.text.ok() && !file.ignored) {
      const std::vector<std::string> principals = LinesOf(*file.text);
      if (!principals.empty()) add(Named(principals) + " of " + file.path);
    }
  }
  if (!policy.principals_command.empty())
    add("a principal that " + policy.principals_command + " tells");
  return with;
}

std::string SshKeyPrincipals(std::string_view options,
                             const std::string& account) {
  constexpr std::string_view kOption = "principals=\"";
  const std::string lower = Lower(options);
  size_t at = 0;
  while ((at = lower.find(kOption, at)) != lower.npos) {
    if (at == 0 || lower[at - 1] == ',') {
      const std::string_view list = options.substr(at + kOption.size());
      std::vector<std::string> names;
      for (const std::string_view name :
           Pieces(list.substr(0, list.find('"')), ','))
        names.emplace_back(name);
      return Named(names);
    }
    ++at;
  }
  return Named({account});
}

}  // namespace metsuke
