// The modules behind a service of PAM, pam.d(5).

#ifndef METSUKE_COLLECTORS_PAM_STACK_H_
#define METSUKE_COLLECTORS_PAM_STACK_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host.h"

namespace metsuke {

// A line that calls a module.
struct PamLine {
  std::string control;  // "required", or "[success=1 default=ignore]"
  std::string module;   // "pam_unix.so", without its folder
  std::vector<std::string> arguments;
  std::string path;
  int number = 0;  // from 1
  // How many substacks it is in.
  int level = 0;
};

// The lines of `type`, such as "account", of the service, those of files that
// it includes in their place. Nothing when a file cannot be read or a line is
// not understood, and then `*why` says which.
std::optional<std::vector<PamLine>> ReadPamStack(const Host& host,
                                                 const std::string& service,
                                                 std::string_view type,
                                                 std::string* why = nullptr);

// What the control in brackets does at `result`, such as "success": "ok",
// "die", "1"; empty when it does not say, pam.conf(5).
std::string PamAction(const std::string& control, std::string_view result);

// Whether a failure of `stack[at]` surely refuses, so that nobody comes past
// it.
bool PamRefuses(const PamLine& line);

// Whether some line before `stack[at]` may end the stack or jump over it.
// `expired`: as it may for an account whose password has to be changed.
bool PamMayPass(const std::vector<PamLine>& stack, size_t at, bool expired);

// Whether the service may let in somebody without a password in the host's own
// files: a module asks something else, such as a directory, or nothing at all.
// Taken to be so when the configuration cannot be read or is not understood.
bool PamAsksElsewhere(const Host& host, const std::string& service);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PAM_STACK_H_
