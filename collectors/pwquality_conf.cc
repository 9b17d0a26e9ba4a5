#include "collectors/pwquality_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <vector>

#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The library's buffer, its NUL included.
constexpr size_t kBuffer = 1024;
constexpr size_t kLongestName = 79;
constexpr size_t kFiles = 1024;
constexpr std::string_view kBlanks = " \t\n\v\f\r";

enum class Kind { kNumber, kText, kSwitch };
struct Setting {
  const char* name;
  Kind kind;
  const char* value;  // the default
};
constexpr Setting kSettings[] = {{"difok", Kind::kNumber, "1"},
                                 {"minlen", Kind::kNumber, "8"},
                                 {"dcredit", Kind::kNumber, "0"},
                                 {"ucredit", Kind::kNumber, "0"},
                                 {"lcredit", Kind::kNumber, "0"},
                                 {"ocredit", Kind::kNumber, "0"},
                                 {"minclass", Kind::kNumber, "0"},
                                 {"maxrepeat", Kind::kNumber, "0"},
                                 {"maxclassrepeat", Kind::kNumber, "0"},
                                 {"maxsequence", Kind::kNumber, "0"},
                                 {"gecoscheck", Kind::kNumber, "0"},
                                 {"dictcheck", Kind::kNumber, "1"},
                                 {"usercheck", Kind::kNumber, "1"},
                                 {"usersubstr", Kind::kNumber, "0"},
                                 {"enforcing", Kind::kNumber, "1"},
                                 {"retry", Kind::kNumber, "1"},
                                 {"badwords", Kind::kText, ""},
                                 {"dictpath", Kind::kText, ""},
                                 {"enforce_for_root", Kind::kSwitch, "0"},
                                 {"local_users_only", Kind::kSwitch, "0"}};

// As strtol(3) reads it, if it reads all of it and an int holds it.
std::optional<int64_t> IntOf(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::optional<int64_t> number =
      text.starts_with("+-") ? std::nullopt : Number(text);
  return number && *number > INT_MIN && *number < INT_MAX ? number
                                                          : std::nullopt;
}

// The number the library goes on with.
int64_t Bounded(std::string_view name, int64_t number) {
  if (name == "minlen") return std::max<int64_t>(number, 6);
  if (name == "minclass") return std::min<int64_t>(number, 4);
  return number;
}

// Sets what is called `name`; false when the library would not.
bool Set(std::string_view name, std::string_view value,
         const std::string& source, PasswordOptions& options) {
  const std::string lower = Lower(name);
  const auto* const setting = std::ranges::find_if(
      kSettings, [&](const Setting& known) { return lower == known.name; });
  if (setting == std::end(kSettings)) return false;
  std::string told(value);
  if (setting->kind == Kind::kSwitch) told = "1";
  if (setting->kind == Kind::kNumber) {
    const std::optional<int64_t> number = IntOf(value);
    if (!number) return false;
    told = std::to_string(Bounded(lower, *number));
  }
  options[lower] = {told, source};
  return true;
}

// Takes up one line; false when the library stops at it.
bool TakeLine(std::string_view line, const std::string& source,
              PasswordOptions& options) {
  line = Strip(line.substr(0, line.find('#')));
  if (line.empty()) return true;
  const size_t end = std::min(line.find_first_of(" \t\n\v\f\r="), line.size());
  const std::string_view name = line.substr(0, end);
  // Blanks and one "=" stand before the value.
  bool equals = false;
  size_t at = end;
  for (; at < line.size(); ++at) {
    if (line[at] == '=' && !equals)
      equals = true;
    else if (kBlanks.find(line[at]) == kBlanks.npos)
      break;
  }
  if (Set(name, line.substr(at), source, options)) return true;
  AddPasswordError(fmt::format("\"{}\"; what follows is not read", line),
                   source, options);
  return false;
}

// Takes up a file; false when the library reads none after it.
bool TakeFile(const Host& host, const std::string& path, Gaps& gaps,
              PasswordOptions& options) {
  const absl::StatusOr<std::string> text = host.Read(path);
  if (absl::IsNotFound(text.status())) return true;
  if (!text.ok()) {
    gaps.Add(path, Message(text.status()), {"value", "source"});
    return true;
  }
  std::string_view rest = *text;
  for (int number = 1; !rest.empty(); ++number) {
    const size_t newline = rest.find('\n');
    const bool last = newline == rest.npos;
    const size_t size = last ? rest.size() : newline + 1;
    const std::string source = fmt::format("{}:{}", path, number);
    std::string_view line = rest.substr(0, size);
    const bool cut = line.find('\0') != line.npos && !last;
    if (line.size() >= (last ? kBuffer - 1 : kBuffer) || cut) {
      AddPasswordError(
          "a line that is too long or no text; what follows is "
          "not read",
          source, options);
      return false;
    }
    if (!TakeLine(line.substr(0, line.find('\0')), source, options))
      return false;
    rest.remove_prefix(size);
  }
  return true;
}

// Arguments that pam_pwquality takes itself or, for pam_cracklib's sake, heeds
// no more.
bool IsNoSetting(std::string_view argument) {
  return argument == "debug" ||
         std::ranges::any_of(
             std::initializer_list<std::string_view>{
                 "type=", "difignore=", "reject_username", "authtok_type",
                 "use_authtok", "use_first_pass", "try_first_pass"},
             [&](std::string_view known) {
               return argument.starts_with(known);
             });
}

}  // namespace

void AddPasswordError(const std::string& what, const std::string& source,
                      PasswordOptions& options) {
  PasswordOption& error = options["error"];
  if (error.value.empty()) error.source.clear();
  AddPart(error.value, what);
  AddPart(error.source, source);
}

PasswordOptions ReadPwqualityConf(const Host& host, const std::string& config,
                                  Gaps& gaps) {
  PasswordOptions options;
  for (const Setting& setting : kSettings)
    options[setting.name] = {setting.value};
  // Those of the folder come first: the file itself has the last word.
  const std::string folder = config + ".d";
  const absl::StatusOr<std::vector<std::string>> names = host.List(folder);
  if (!names.ok() && !absl::IsNotFound(names.status()))
    gaps.Add(folder, Message(names.status()), {"value", "source"});
  size_t files = 0;
  for (const std::string& name :
       names.ok() ? *names : std::vector<std::string>()) {
    if (!name.ends_with(".conf")) continue;
    if (++files > kFiles) {
      gaps.Add(folder, "it has more files than are read", {"value", "source"});
      break;
    }
    if (!TakeFile(host, folder + "/" + name, gaps, options)) return options;
  }
  TakeFile(host, config, gaps, options);
  return options;
}

PasswordOptions PwqualityOptions(const Host& host, const PamLine& line,
                                 Gaps& gaps) {
  PasswordOptions options = ReadPwqualityConf(host, kPwqualityConf, gaps);
  const std::string source = fmt::format("{}:{}", line.path, line.number);
  for (const std::string_view argument : line.arguments) {
    if (IsNoSetting(argument)) continue;
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const std::string_view value =
        equals == argument.npos ? "" : argument.substr(equals + 1);
    if (name.size() > kLongestName || !Set(name, value, source, options))
      AddPasswordError(fmt::format("\"{}\"", argument), source, options);
  }
  // The module asks once at least.
  PasswordOption& retry = options["retry"];
  if (Number(retry.value).value_or(1) < 1) retry.value = "1";
  return options;
}

}  // namespace metsuke
