#include "collectors/password_stack.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "collectors/words.h"

namespace metsuke {
namespace {

// The password that modules hand on (PAM_AUTHTOK), as the module that is looked
// at sees it.
enum class Token { kNone, kUnchecked, kChecked };

// What a module may answer, and what is handed on then.
struct Outcome {
  bool success;
  Token token;
};

const std::set<std::string_view> kSetters = {"pam_unix.so", "pam_tcb.so"};
// They judge what is handed on, or ask for it first.
const std::set<std::string_view> kJudges = {
    "pam_pwquality.so", "pam_cracklib.so", "pam_passwdqc.so",
    "pam_pwhistory.so"};
// They have to do with no password, or with that of a key ring.
const std::set<std::string_view> kQuiet = {
    "pam_succeed_if.so", "pam_localuser.so", "pam_usertype.so",
    "pam_faildelay.so",  "pam_echo.so",      "pam_warn.so",
    "pam_debug.so",      "pam_listfile.so",  "pam_gnome_keyring.so"};

bool Has(const PamLine& line, std::string_view option) {
  return std::ranges::find(line.arguments, option) != line.arguments.end();
}

// Whether it asks for a password itself where none is handed on
// (pam_get_authtok(3)).
bool Asks(const PamLine& line) {
  return !Has(line, "use_authtok") && !Has(line, "use_first_pass");
}

// Whether it may refuse what is handed on and then ask for another one.
bool AsksAgain(const PamLine& line) {
  if (!Asks(line)) return false;
  // Once, unless told otherwise.
  if (line.module == "pam_pwhistory.so")
    return std::ranges::any_of(line.arguments, [](std::string_view argument) {
      return argument.starts_with("retry=") && argument != "retry=1";
    });
  // pam_unix asks up to three times, where it has conditions of its own that
  // are harder than a check of any quality.
  if (kSetters.contains(line.module))
    return std::ranges::any_of(line.arguments, [](std::string_view argument) {
      return argument.starts_with("minlen=") ||
             argument.starts_with("remember=");
    });
  return kJudges.contains(line.module);
}

class Walk {
 public:
  Walk(const std::vector<PamLine>& stack, size_t at) : stack_(stack), at_(at) {}

  // False once an unchecked password was set.
  bool Holds() {
    Go(0, Token::kNone);
    return holds_;
  }

 private:
  void Go(size_t i, Token token) {
    if (!holds_ || i >= stack_.size() || !seen_.emplace(i, token).second)
      return;
    for (const Outcome& outcome : OutcomesOf(i, token)) Follow(i, outcome);
  }

  std::vector<Outcome> OutcomesOf(size_t i, Token token) {
    const PamLine& line = stack_[i];
    if (line.module == "pam_deny.so") return {{false, token}};
    if (line.module == "pam_permit.so") return {{true, token}};
    if (kQuiet.contains(line.module)) return {{true, token}, {false, token}};
    if (i == at_)
      // pam_passwdqc leaves what it was handed where it is.
      return {{true, Token::kChecked},
              {false, line.module == "pam_passwdqc.so" ? token : Token::kNone}};
    if (token == Token::kNone && !Asks(line)) return {{false, token}};
    Token used = token == Token::kNone ? Token::kUnchecked : token;
    if (AsksAgain(line)) used = Token::kUnchecked;
    if (kSetters.contains(line.module)) {
      holds_ = holds_ && used == Token::kChecked;
      return {{true, used}, {false, Token::kNone}};
    }
    return {{true, used}, {false, Token::kNone}, {false, used}};
  }

  // Goes wherever the line's control leads after the outcome.
  void Follow(size_t i, const Outcome& outcome) {
    const std::string& control = stack_[i].control;
    if (!control.starts_with('[')) {
      if (control == "requisite" && !outcome.success)
        return Go(AfterLevel(i), outcome.token);
      if (control == "sufficient" && outcome.success)
        Go(AfterLevel(i), outcome.token);
      // A "sufficient" after a failure of a "required" does not end it.
      return Go(i + 1, outcome.token);
    }
    if (outcome.success)
      return Do(PamAction(control, "success"), i, outcome.token);
    // Which failure it is cannot be told; "ignore" is none.
    Do(PamAction(control, "default"), i, outcome.token);
    for (const std::string_view word :
         Words(std::string_view(control).substr(1, control.size() - 2))) {
      const size_t equals = word.find('=');
      const std::string_view result = word.substr(0, equals);
      if (equals != word.npos && result != "success" && result != "ignore" &&
          result != "default")
        Do(std::string(word.substr(equals + 1)), i, outcome.token);
    }
  }

  void Do(const std::string& action, size_t i, Token token) {
    if (action == "die" || action == "done") {
      Go(AfterLevel(i), token);
      // It goes on after an earlier failure.
      if (action == "done") Go(i + 1, token);
      return;
    }
    Go(AfterJump(i, Number(action).value_or(0)), token);
  }

  // The first line after the substack that `i` is in.
  size_t AfterLevel(size_t i) const {
    const int level = stack_[i].level;
    while (i < stack_.size() && stack_[i].level >= level) ++i;
    return i;
  }

  // The line that is reached from `i` by a jump over `count` others, a substack
  // being one.
  size_t AfterJump(size_t i, int64_t count) const {
    const int level = stack_[i].level;
    for (++i; count > 0 && i < stack_.size() && stack_[i].level >= level;
         --count) {
      if (stack_[i].level == level) {
        ++i;
        continue;
      }
      while (i < stack_.size() && stack_[i].level > level) ++i;
    }
    return i;
  }

  const std::vector<PamLine>& stack_;
  const size_t at_;
  bool holds_ = true;
  std::set<std::pair<size_t, Token>> seen_;
};

}  // namespace

bool PasswordRefusalHolds(const std::vector<PamLine>& stack, size_t at) {
  return Walk(stack, at).Holds();
}

}  // namespace metsuke
