#include "collectors/pam_stack.h"

#include <set>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr size_t kFiles = 64;

// Modules that only add conditions, or ask for the local password; pam_permit
// is none of these, but harmless behind pam_deny.
const std::set<std::string_view> kLocal = {
    "pam_unix.so",      "pam_deny.so",     "pam_env.so",
    "pam_faildelay.so", "pam_faillock.so", "pam_tally2.so",
    "pam_nologin.so",   "pam_cap.so",      "pam_group.so",
    "pam_localuser.so", "pam_usertype.so", "pam_succeed_if.so",
    "pam_securetty.so", "pam_access.so",   "pam_loginuid.so",
    "pam_keyinit.so",   "pam_limits.so",   "pam_shells.so"};

class Stack {
 public:
  explicit Stack(const Host& host) : host_(host) {}

  // Adds the modules of the auth stack; false when it is not understood.
  bool Read(const std::string& service) {
    if (service.find('/') != std::string::npos || files_.size() > kFiles)
      return false;
    if (!files_.insert(service).second) return true;
    absl::StatusOr<std::string> text = host_.Read("/etc/pam.d/" + service);
    if (absl::IsNotFound(text.status()))
      text = host_.Read("/usr/lib/pam.d/" + service);
    if (!text.ok()) return false;
    std::string line;
    for (const std::string_view part : Lines(*text)) {
      line += part.substr(0, part.find('#'));
      if (line.ends_with('\\')) {
        line.back() = ' ';
        continue;
      }
      if (!Take(line)) return false;
      line.clear();
    }
    return true;
  }

  bool Elsewhere() const {
    for (const std::string& module : modules_)
      if (!kLocal.contains(module) &&
          !(module == "pam_permit.so" && modules_.contains("pam_deny.so")))
        return true;
    return false;
  }

 private:
  bool Take(const std::string& line) {
    std::vector<std::string_view> words = Words(line);
    if (words.empty()) return true;
    if (words[0] == "@include")
      return words.size() == 2 && Read(Text(words[1]));
    const std::string type = Lower(words[0]);
    if (type != "auth" && type != "-auth") return true;
    size_t module = 2;  // behind the control, which may be "[a=b c=d]"
    if (words.size() > 1 && words[1].starts_with('['))
      while (module < words.size() && !words[module - 1].ends_with(']'))
        ++module;
    if (module >= words.size()) return false;
    if (words[1] == "include" || words[1] == "substack")
      return Read(Text(words[module]));
    modules_.insert(Text(words[module].substr(words[module].rfind('/') + 1)));
    return true;
  }

  static std::string Text(std::string_view word) { return std::string(word); }

  const Host& host_;
  std::set<std::string> files_, modules_;
};

}  // namespace

bool PamAsksElsewhere(const Host& host, const std::string& service) {
  Stack stack(host);
  return !stack.Read(service) || stack.Elsewhere();
}

}  // namespace metsuke
