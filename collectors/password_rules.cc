// Fills the password_rules table with what the modules of the stack that sets
// passwords ask of a new one.

#include <fmt/format.h>

#include <map>

#include "collectors/collector.h"
#include "collectors/gaps.h"
#include "collectors/pam_stack.h"
#include "collectors/password_modules.h"
#include "collectors/password_stack.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "password_rules";
// What passwd(1) asks for. Who has to change an expired password is asked by
// the service he logs in with; distributions include the same lines in all.
constexpr char kService[] = "passwd";
// What libpam takes for a service that has no file, or no line of the type.
constexpr char kOther[] = "other";

absl::StatusOr<bool> HasFile(const Host& host, const std::string& service) {
  for (const char* folder : {"/etc/pam.d/", "/usr/lib/pam.d/"}) {
    ASSIGN_OR_RETURN(const bool there, host.Exists(folder + service));
    if (there) return true;
  }
  return false;
}

absl::StatusOr<std::vector<PamLine>> ReadStack(const Host& host,
                                               const std::string& service) {
  std::string why;
  std::optional<std::vector<PamLine>> stack =
      ReadPamStack(host, service, "password", &why);
  if (!stack) return absl::UnavailableError(why);
  return *std::move(stack);
}

// The lines that apply to kService; Absent when PAM knows nothing of it.
absl::StatusOr<std::vector<PamLine>> StackOfService(const Host& host) {
  std::vector<PamLine> stack;
  bool there = false;
  for (const char* service : {kService, kOther}) {
    ASSIGN_OR_RETURN(const bool has, HasFile(host, service));
    if (!has) continue;
    there = true;
    ASSIGN_OR_RETURN(stack, ReadStack(host, service));
    if (!stack.empty()) return stack;
  }
  if (!there)
    return Absent("PAM has no service passwd: there is no /etc/pam.d/passwd");
  return stack;
}

void AddRow(const PamLine& line, uint32_t call, const std::string& option,
            const PasswordOption& value, bool enforced,
            v1::Snapshot& snapshot) {
  v1::PasswordRule& row = *snapshot.add_password_rules();
  row.set_service(kService);
  row.set_module(line.module);
  row.set_call(call);
  row.set_option(option);
  row.set_value(value.value);
  row.set_source(value.source);
  row.set_enforced(enforced);
}

}  // namespace

absl::Status CollectPasswordRules(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::vector<PamLine> stack, StackOfService(host));
  Gaps gaps(kTable, snapshot);
  std::map<std::string, uint32_t> calls;
  for (size_t at = 0; at < stack.size(); ++at) {
    const PamLine& line = stack[at];
    const std::optional<PasswordOptions> options =
        PasswordOptionsOf(host, line, gaps);
    if (!options) continue;
    const uint32_t call = ++calls[line.module];
    const bool enforced = PasswordModuleRefuses(line, *options) &&
                          PasswordRefusalHolds(stack, at);
    AddRow(line, call, "control",
           {line.control, fmt::format("{}:{}", line.path, line.number)},
           enforced, snapshot);
    for (const auto& [option, value] : *options)
      AddRow(line, call, option, value, enforced, snapshot);
  }
  return absl::OkStatus();
}

}  // namespace metsuke
