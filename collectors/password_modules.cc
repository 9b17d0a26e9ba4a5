#include "collectors/password_modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <set>
#include <utility>

#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

std::string Where(const PamLine& line) {
  return fmt::format("{}:{}", line.path, line.number);
}

// The value of "name=value"; nothing when the argument is another one.
std::optional<std::string_view> ValueOf(std::string_view argument,
                                        std::string_view name) {
  if (!argument.starts_with(name) || argument.substr(name.size(), 1) != "=")
    return std::nullopt;
  return argument.substr(name.size() + 1);
}

// Arguments that say how the password is asked for, not what it must be.
bool IsOfAsking(std::string_view argument) {
  return argument == "debug" ||
         std::ranges::any_of(
             std::initializer_list<std::string_view>{
                 "type=", "authtok_type", "use_authtok", "use_first_pass",
                 "try_first_pass", "ask_oldauthtok", "check_oldauthtok"},
             [&](std::string_view known) {
               return argument.starts_with(known);
             });
}

// pam_cracklib.c of Linux-PAM 1.4, the last to have it: numbers are read as
// strtol(3) reads them, by their beginning.
PasswordOptions CracklibOptions(const PamLine& line) {
  PasswordOptions options = {{"retry", {"1"}},           {"difok", {"5"}},
                             {"minlen", {"9"}},          {"dcredit", {"1"}},
                             {"ucredit", {"1"}},         {"lcredit", {"1"}},
                             {"ocredit", {"1"}},         {"minclass", {"0"}},
                             {"maxrepeat", {"0"}},       {"maxsequence", {"0"}},
                             {"maxclassrepeat", {"0"}},  {"dictpath", {""}},
                             {"reject_username", {"0"}}, {"gecoscheck", {"0"}},
                             {"enforce_for_root", {"0"}}};
  static const std::set<std::string_view> kSwitches = {
      "reject_username", "gecoscheck", "enforce_for_root"};
  for (const std::string& argument : line.arguments) {
    if (IsOfAsking(argument) || argument.starts_with("difignore=")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    const auto option = options.find(name);
    const auto value = ValueOf(argument, name);
    if (option == options.end() || name == "error" ||
        (!value && !kSwitches.contains(name))) {
      AddPasswordError(fmt::format("\"{}\"", argument), Where(line), options);
      continue;
    }
    if (kSwitches.contains(name)) {
      option->second = {"1", Where(line)};
    } else if (name == "dictpath") {
      option->second = {std::string(*value), Where(line)};
    } else {
      int64_t number = std::strtol(std::string(*value).c_str(), nullptr, 10);
      if (name == "minlen") number = std::max<int64_t>(number, 5);
      if (name == "minclass") number = std::min<int64_t>(number, 4);
      if (name == "retry") number = std::max<int64_t>(number, 1);
      if (name == "difok" && number < 0) number = 5;
      option->second = {std::to_string(number), Where(line)};
    }
  }
  return options;
}

// Takes up one word of pam_passwdqc; passwdqc.conf(5).
void TakePasswdqc(const Host& host, std::string_view word,
                  const std::string& source, int depth, Gaps& gaps,
                  PasswordOptions& options);

void TakePasswdqcFile(const Host& host, const std::string& path,
                      const std::string& source, int depth, Gaps& gaps,
                      PasswordOptions& options) {
  constexpr int kDepth = 8;
  const absl::StatusOr<std::string> text =
      depth > kDepth ? absl::ResourceExhaustedError("files in files in files")
                     : host.Read(path);
  if (absl::IsNotFound(text.status()))
    return AddPasswordError(path + " is missing", source, options);
  if (!text.ok())
    return gaps.Add(path, Message(text.status()), {"value", "source"});
  int number = 0;
  for (const std::string_view line : Lines(*text)) {
    ++number;
    if (Strip(line).starts_with('#')) continue;
    for (const std::string_view word : Words(line))
      TakePasswdqc(host, word, fmt::format("{}:{}", path, number), depth, gaps,
                   options);
  }
}

void TakePasswdqc(const Host& host, std::string_view word,
                  const std::string& source, int depth, Gaps& gaps,
                  PasswordOptions& options) {
  if (const auto file = ValueOf(word, "config"))
    return TakePasswdqcFile(host, std::string(*file), source, depth + 1, gaps,
                            options);
  if (IsOfAsking(word) || word == "non-unix" || word == "noaudit") return;
  const std::string name(word.substr(0, word.find('=')));
  const auto option = options.find(name);
  const auto value = ValueOf(word, name);
  if (option == options.end() || name == "error" || !value)
    return AddPasswordError(fmt::format("\"{}\"", word), source, options);
  option->second = {std::string(*value), source};
}

// passwdqc_parse.c of passwdqc 2.0. At an error the module refuses all.
PasswordOptions PasswdqcOptions(const Host& host, const PamLine& line,
                                Gaps& gaps) {
  PasswordOptions options = {{"min", {"disabled,24,11,8,7"}},
                             {"max", {"72"}},
                             {"passphrase", {"3"}},
                             {"match", {"4"}},
                             {"similar", {"deny"}},
                             {"random", {"47"}},
                             {"enforce", {"everyone"}},
                             {"retry", {"3"}},
                             {"wordlist", {""}},
                             {"denylist", {""}},
                             {"filter", {""}}};
  for (const std::string& argument : line.arguments)
    TakePasswdqc(host, argument, Where(line), 0, gaps, options);
  return options;
}

// Its file, since Linux-PAM 1.5.3; of a name that stands twice the first
// counts (pam_modutil_search_key).
void TakeHistoryFile(const Host& host, const PamLine& line, Gaps& gaps,
                     PasswordOptions& options) {
  std::string path = "/etc/security/pwhistory.conf";
  for (const std::string& argument : line.arguments)
    if (const auto file = ValueOf(argument, "conf")) path = *file;
  const absl::StatusOr<std::string> text = host.Read(path);
  if (absl::IsNotFound(text.status())) return;
  if (!text.ok())
    return gaps.Add(path, Message(text.status()), {"value", "source"});
  std::set<std::string> seen;
  int number = 0;
  for (std::string_view row : Lines(*text)) {
    ++number;
    row = Strip(row.substr(0, row.find('#')));
    const size_t end = std::min(row.find_first_of(" \t="), row.size());
    const std::string name = Lower(row.substr(0, end));
    const auto option = options.find(name);
    if (option == options.end() || !seen.insert(name).second) continue;
    row.remove_prefix(std::min(row.find_first_not_of(" \t=", end), row.size()));
    option->second = {name == "enforce_for_root" ? "1" : std::string(row),
                      fmt::format("{}:{}", path, number)};
  }
}

PasswordOptions HistoryOptions(const Host& host, const PamLine& line,
                               Gaps& gaps) {
  PasswordOptions options = {{"remember", {"10"}},
                             {"retry", {"1"}},
                             {"enforce_for_root", {"0"}},
                             {"file", {"/etc/security/opasswd"}}};
  TakeHistoryFile(host, line, gaps, options);
  for (const std::string& argument : line.arguments) {
    if (IsOfAsking(argument) || ValueOf(argument, "conf")) continue;
    const std::string name = Lower(argument.substr(0, argument.find('=')));
    const auto option = options.find(name);
    const bool has_value = argument.size() > name.size();
    if (option == options.end() || name == "error" ||
        has_value == (name == "enforce_for_root")) {
      AddPasswordError(fmt::format("\"{}\"", argument), Where(line), options);
      continue;
    }
    std::string told = has_value ? argument.substr(name.size() + 1) : "1";
    if (name == "remember")
      told = std::to_string(
          std::clamp(std::strtol(told.c_str(), nullptr, 10), 0L, 400L));
    option->second = {told, Where(line)};
  }
  return options;
}

// Those of support.c and, of Debian, the checks called "obscure" and a least
// length of 6 in place of none (pass_min_len in pam_unix_passwd.c). Debian 12
// and 13 never make these checks: their flag is the 33rd bit of a number of
// which obscure_msg() is handed 32, and passwd sets a palindrome.
PasswordOptions UnixOptions(const Host& host, const PamLine& line) {
  const bool debian = host.Exists("/etc/debian_version").value_or(false);
  PasswordOptions options = {{"minlen", {debian ? "6" : "0"}},
                             {"obscure", {"0"}},
                             {"remember", {"0"}}};
  for (const std::string& argument : line.arguments) {
    if (argument.starts_with("obscure"))
      options["obscure"] = {debian ? "1" : "0", Where(line)};
    for (const char* name : {"minlen", "remember"})
      if (const auto value = ValueOf(argument, name))
        options[name] = {std::to_string(std::strtol(std::string(*value).c_str(),
                                                    nullptr, 10)),
                         Where(line)};
  }
  return options;
}

}  // namespace

std::optional<PasswordOptions> PasswordOptionsOf(const Host& host,
                                                 const PamLine& line,
                                                 Gaps& gaps) {
  if (line.module == "pam_pwquality.so")
    return PwqualityOptions(host, line, gaps);
  if (line.module == "pam_cracklib.so") return CracklibOptions(line);
  if (line.module == "pam_passwdqc.so")
    return PasswdqcOptions(host, line, gaps);
  if (line.module == "pam_pwhistory.so")
    return HistoryOptions(host, line, gaps);
  if (line.module == "pam_unix.so") return UnixOptions(host, line);
  return std::nullopt;
}

bool PasswordModuleRefuses(const PamLine& line,
                           const PasswordOptions& options) {
  const auto is = [&](std::string_view name, std::string_view value) {
    const auto option = options.find(name);
    return option != options.end() && option->second.value == value;
  };
  if (line.module == "pam_pwquality.so") return !is("enforcing", "0");
  if (line.module == "pam_passwdqc.so") return !is("enforce", "none");
  return line.module != "pam_pwhistory.so" || !is("remember", "0");
}

}  // namespace metsuke
