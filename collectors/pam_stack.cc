#include "collectors/pam_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kFiles = 64;
// As libpam does.
constexpr int kDepth = 32;

// Modules that only add conditions, or ask for the local password; pam_permit
// is none of these, but harmless behind pam_deny.
const std::set<std::string_view> kLocal = {
    "pam_unix.so",      "pam_deny.so",     "pam_env.so",
    "pam_faildelay.so", "pam_faillock.so", "pam_tally2.so",
    "pam_nologin.so",   "pam_cap.so",      "pam_group.so",
    "pam_localuser.so", "pam_usertype.so", "pam_succeed_if.so",
    "pam_securetty.so", "pam_access.so",   "pam_loginuid.so",
    "pam_keyinit.so",   "pam_limits.so",   "pam_shells.so"};

// The words of a line; "[a b]" is one of them.
std::vector<std::string> PamWords(std::string_view line) {
  std::vector<std::string> words;
  for (const std::string_view word : Words(line)) {
    if (!words.empty() && words.back().starts_with('[') &&
        !words.back().ends_with(']'))
      words.back().append(" ").append(word);
    else
      words.emplace_back(word);
  }
  return words;
}

class Stack {
 public:
  Stack(const Host& host, std::string_view type) : host_(host), type_(type) {}

  // Adds the lines of the service; false when it is not understood.
  bool Read(const std::string& service) {
    std::string path = "/etc/pam.d/" + service;
    if (service.find('/') != std::string::npos || ++files_ > kFiles ||
        ++depth_ > kDepth) {
      why_ = path + ": such an include, or so many, are not followed";
      return false;
    }
    absl::StatusOr<std::string> text = host_.Read(path);
    if (absl::IsNotFound(text.status()))
      text = host_.Read(path = "/usr/lib/pam.d/" + service);
    if (!text.ok()) {
      why_ = "/etc/pam.d/" + service + ": " + Message(text.status());
      return false;
    }
    std::string line;
    int number = 0;
    for (const std::string_view part : Lines(*text)) {
      ++number;
      line += part.substr(0, part.find('#'));
      if (line.ends_with('\\')) {
        line.back() = ' ';
        continue;
      }
      if (!Take(line, path, number)) {
        if (why_.empty())
          why_ = fmt::format("{}:{}: the line is not understood", path, number);
        return false;
      }
      line.clear();
    }
    --depth_;
    return true;
  }

  std::vector<PamLine> Take() { return std::move(lines_); }
  const std::string& why() const { return why_; }

 private:
  bool Take(const std::string& line, const std::string& path, int number) {
    std::vector<std::string> words = PamWords(line);
    if (words.empty()) return true;
    if (words[0] == "@include") return words.size() == 2 && Read(words[1]);
    const std::string type = Lower(words[0]);
    if (type != type_ && type != "-" + type_) return true;
    if (words.size() < 3) return false;
    if (words[1] == "include") return Read(words[2]);
    if (words[1] == "substack") {
      ++level_;
      const bool understood = Read(words[2]);
      --level_;
      return understood;
    }
    std::string& module = words[2];
    module.erase(0, module.rfind('/') + 1);
    for (size_t i = 3; i < words.size(); ++i)
      if (words[i].starts_with('[') && words[i].ends_with(']'))
        words[i] = words[i].substr(1, words[i].size() - 2);
    lines_.push_back({Lower(words[1]),
                      module,
                      {words.begin() + 3, words.end()},
                      path,
                      number,
                      level_});
    return true;
  }

  const Host& host_;
  const std::string type_;
  size_t files_ = 0;
  int depth_ = 0;
  int level_ = 0;
  std::vector<PamLine> lines_;
  std::string why_;
};

}  // namespace

std::optional<std::vector<PamLine>> ReadPamStack(const Host& host,
                                                 const std::string& service,
                                                 std::string_view type,
                                                 std::string* why) {
  Stack stack(host, type);
  if (stack.Read(service)) return stack.Take();
  if (why != nullptr) *why = stack.why();
  return std::nullopt;
}

std::string PamAction(const std::string& control, std::string_view result) {
  std::string otherwise;
  for (const std::string_view word :
       Words(std::string_view(control).substr(1, control.size() - 2))) {
    const size_t equals = word.find('=');
    if (equals == word.npos) continue;
    if (word.substr(0, equals) == result)
      return std::string(word.substr(equals + 1));
    if (word.substr(0, equals) == "default")
      otherwise = word.substr(equals + 1);
  }
  return otherwise;
}

bool PamRefuses(const PamLine& line) {
  if (!line.control.starts_with('['))
    return line.control == "required" || line.control == "requisite";
  // What pam_access and pam_nologin fail with.
  for (const char* result : {"perm_denied", "auth_err"}) {
    const std::string action = PamAction(line.control, result);
    if (action != "die" && action != "bad") return false;
  }
  return true;
}

bool PamMayPass(const std::vector<PamLine>& stack, size_t at, bool expired) {
  for (size_t i = 0; i < at; ++i) {
    const std::string& control = stack[i].control;
    if (control == "sufficient") return true;
    if (!control.starts_with('[')) continue;
    for (const std::string_view word :
         Words(std::string_view(control).substr(1, control.size() - 2))) {
      const std::string_view action = word.substr(word.find('=') + 1);
      // The password has to be changed then.
      if (action == "done" &&
          (expired || !word.starts_with("new_authtok_reqd=")))
        return true;
      if (Number(action).value_or(0) > static_cast<int64_t>(at - i - 1))
        return true;
    }
  }
  return false;
}

bool PamAsksElsewhere(const Host& host, const std::string& service) {
  const auto lines = ReadPamStack(host, service, "auth");
  if (!lines) return true;
  std::set<std::string_view> modules;
  for (const PamLine& line : *lines) modules.insert(line.module);
  return std::ranges::any_of(modules, [&](std::string_view module) {
    return !kLocal.contains(module) &&
           !(module == "pam_permit.so" && modules.contains("pam_deny.so"));
  });
}

}  // namespace metsuke
