// The options of pam_pwquality: its defaults, /etc/security/pwquality.conf with
// the files of pwquality.conf.d, and the module's arguments, in the order in
// which libpwquality 1.4 takes them up.

#ifndef METSUKE_COLLECTORS_PWQUALITY_CONF_H_
#define METSUKE_COLLECTORS_PWQUALITY_CONF_H_

#include <map>
#include <string>
#include <string_view>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/pam_stack.h"

namespace metsuke {

inline constexpr char kPwqualityConf[] = "/etc/security/pwquality.conf";

// The value that an option of a module has, and where it stands: "PATH:LINE" or
// "default".
struct PasswordOption {
  std::string value;
  std::string source = "default";
};
// By name. "error" is what the module passes over.
using PasswordOptions = std::map<std::string, PasswordOption, std::less<>>;

// Says in `options` that the module passes over `what` at `source`.
void AddPasswordError(const std::string& what, const std::string& source,
                      PasswordOptions& options);

// What the library has when it has read `config` and the files of the folder
// `config`.d. A file that cannot be read is a gap.
PasswordOptions ReadPwqualityConf(const Host& host, const std::string& config,
                                  Gaps& gaps);

// What a call of the module has. Defaults are those since 1.4.0.
PasswordOptions PwqualityOptions(const Host& host, const PamLine& line,
                                 Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PWQUALITY_CONF_H_
