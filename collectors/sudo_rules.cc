// Fills the sudo_rules table from what cvtsudoers(1) makes of the policy: the
// grammar of sudoers(5), its aliases and its includes are sudo's own business.

#include <sstream>

#include "collectors/collector.h"
#include "collectors/name_service.h"
#include "collectors/passwd.h"
#include "collectors/sudoers_json.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "sudo_rules";
constexpr char kCvtsudoers[] = "/usr/bin/cvtsudoers";
constexpr char kPolicy[] = "/etc/sudoers";

constexpr std::string_view kFolder = "/etc/sudoers.d";

// Whether a part of the policy includes anything but the usual folder. "#" may
// begin a directive as well as a comment, and a line that ends in a backslash
// goes on (sudoers(5)).
bool IncludesOthers(std::string_view text) {
  std::string_view line;
  bool others = false;
  while (NextLine(text, line)) {
    std::istringstream words{std::string(line)};
    std::string directive, path, more;
    words >> directive >> path >> more;
    others = others || (directive == "\\") ||
             ((directive.starts_with("@include") ||
               directive.starts_with("#include")) &&
              (!directive.ends_with("includedir") || path != kFolder ||
               !more.empty()));
  }
  return others;
}

// The files the policy is made of, when they are the usual ones; none, so that
// cvtsudoers runs in every cycle, when the policy includes others or when that
// cannot be seen. A folder does not change when a file in it does, so each file
// is named.
std::vector<std::string> PolicyFiles(const Host& host) {
  const auto policy = host.Read(kPolicy);
  if (!policy.ok() || IncludesOthers(*policy)) return {};
  std::vector<std::string> files = {kPolicy, std::string(kFolder), kCvtsudoers};
  const auto names = host.List(kFolder);
  if (absl::IsNotFound(names.status())) return files;
  if (!names.ok()) return {};
  for (const std::string& name : *names) {
    const std::string path = std::string(kFolder) + "/" + name;
    const auto part = host.Read(path);
    if (!part.ok() || IncludesOthers(*part)) return {};
    files.push_back(path);
  }
  return files;
}

// /etc/cvtsudoers.conf could make cvtsudoers leave rules out, so another
// configuration, an empty one, is named.
absl::StatusOr<std::string> RunCvtsudoers(
    const Host& host, const std::vector<std::string>& options) {
  std::vector<std::string> argv = {kCvtsudoers, "-f", "json",
                                   "-e",        "-c", "/dev/null"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.push_back(kPolicy);
  RunOptions run;
  run.cap = 16 << 20;
  run.inputs = PolicyFiles(host);
  run.reads_everything = true;  // sudoers(5) is 0440
  return host.Run(argv, run);
}

// cvtsudoers comes with sudo. A sudo without it is another program of the
// name, such as sudo-rs.
absl::Status WithoutCvtsudoers(const Host& host) {
  for (const char* path : {"/usr/bin/sudo", "/usr/bin/sudo-rs",
                           "/usr/local/bin/sudo", "/bin/sudo"})
    if (!absl::IsNotFound(host.Stat(path).status()))
      return absl::UnavailableError(
          std::string(path) +
          " is installed but cvtsudoers, which reads its policy, is not; it "
          "is part of the package sudo");
  return Absent("sudo is not installed");
}

// The first line of what the program said: the place and the cause.
absl::Status FirstLine(const absl::Status& status) {
  const std::string message = Message(status);
  return absl::Status(status.code(), message.substr(0, message.find('\n')));
}

// Rules may also come from a directory service.
void CheckOtherSources(const Host& host, v1::Snapshot& snapshot) {
  for (const std::string& service : ForeignSources(host, "sudoers"))
    AddGap(snapshot, kTable, "/etc/nsswitch.conf",
           "sudo also takes rules from " + service);
}

}  // namespace

absl::Status CollectSudoRules(const Host& host, v1::Snapshot& snapshot) {
  const absl::StatusOr<std::string> policy =
      RunCvtsudoers(host, {"-d", "global,user"});
  const bool missing = host.Running()
                           ? absl::IsNotFound(policy.status())
                           : absl::IsNotFound(host.Stat(kCvtsudoers).status());
  if (missing) return WithoutCvtsudoers(host);
  if (!policy.ok()) return FirstLine(policy.status());
  const absl::StatusOr<std::string> bound = RunCvtsudoers(
      host, {"-d", "host,runas,command", "-s", "aliases,privileges"});
  if (!bound.ok()) return FirstLine(bound.status());

  int foreign = 0;
  ASSIGN_OR_RETURN(const std::vector<PasswdEntry> accounts,
                   ReadPasswd(host, &foreign));
  ASSIGN_OR_RETURN(const std::string groups,
                   host.Read("/etc/group", kAccountFileCap));
  CheckOtherSources(host, snapshot);
  RETURN_IF_ERROR(
      ParseSudoers(*policy, accounts, ParseGroup(groups, &foreign), snapshot));
  return ParseBoundDefaults(*bound, snapshot);
}

}  // namespace metsuke
