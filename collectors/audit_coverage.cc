// Fills the audit_coverage table.

#include "collectors/audit_coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "collectors/audit.h"
#include "collectors/audit_filter.h"
#include "collectors/collector.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectAuditCoverage(const Host& host, v1::Snapshot& snapshot);

namespace {

// One way in which an act is done: any of these system calls.
struct Way {
  std::string_view circumstance;  // as in `missing`; empty for the only one
  uint32_t permission;            // AUDIT_PERM_…; 0 when no file is named
  std::string_view syscalls;      // separated by blanks
};

// A file that has another content, or another file in its place. Those of the
// classes AUDIT_CLASS_WRITE and of opening that name it; open_by_handle_at,
// which takes CAP_DAC_READ_SEARCH, the kernel counts as no way of writing.
constexpr Way kWrite = {
    "write", AUDIT_PERM_WRITE,
    "open openat openat2 creat truncate truncate64 rename renameat renameat2 "
    "unlink unlinkat link linkat symlink symlinkat"};
// AUDIT_CLASS_CHATTR, which has no call that sets times.
constexpr Way kAttributes = {
    "attributes", AUDIT_PERM_ATTR,
    "chmod fchmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchown "
    "fchown32 fchownat setxattr lsetxattr fsetxattr removexattr lremovexattr "
    "fremovexattr setxattrat removexattrat"};

struct FileAct {
  std::string_view subject;
  std::string_view path;
  bool folder = false;  // whether it is about the files in it
};

constexpr FileAct kFiles[] = {
    {"accounts", "/etc/passwd"},
    {"accounts", "/etc/shadow"},
    {"accounts", "/etc/group"},
    {"accounts", "/etc/gshadow"},
    {"accounts", "/etc/security/opasswd"},
    {"privileges", "/etc/sudoers"},
    {"privileges", "/etc/sudoers.d", true},
    {"ssh", "/etc/ssh/sshd_config"},
    {"ssh", "/etc/ssh/sshd_config.d", true},
    {"time", "/etc/localtime"},
    {"logins", "/var/log/wtmp"},
    {"logins", "/var/log/btmp"},
    {"logins", "/var/log/lastlog"},
    {"logins", "/var/log/faillog"},
    // What wtmpdb and lastlog2 keep in place of wtmp and lastlog.
    {"logins", "/var/lib/wtmpdb/wtmp.db"},
    {"logins", "/var/lib/lastlog/lastlog2.db"},
};

struct CallAct {
  std::string_view subject;
  std::string_view act;
  Way way;
  std::optional<uint32_t> argument = {};
};

// 32-bit programs that know of the year 2038 call those with "64"; the first
// argument of those with "clock" says which one, and this is the one there is
// to set.
constexpr CallAct kCalls[] = {
    {"time", "adjtimex", {"", 0, "adjtimex"}},
    {"time", "settimeofday", {"", 0, "settimeofday"}},
    {"time",
     "clock_settime",
     {"", 0, "clock_settime clock_settime64"},
     CLOCK_REALTIME},
    {"time",
     "clock_adjtime",
     {"", 0, "clock_adjtime clock_adjtime64"},
     CLOCK_REALTIME},
    {"modules", "init_module", {"", 0, "init_module"}},
    {"modules", "finit_module", {"", 0, "finit_module"}},
    {"modules", "delete_module", {"", 0, "delete_module"}},
    {"commands", "execve", {"", AUDIT_PERM_EXEC, "execve"}},
    {"commands", "execveat", {"", AUDIT_PERM_EXEC, "execveat"}},
};

// The system calls of one kind of programs.
struct Abi {
  std::string_view circumstance;
  int machine;  // MACH_… of libaudit
};

absl::StatusOr<std::vector<Abi>> Abis(std::string_view machine) {
  const int own = audit_name_to_machine(std::string(machine).c_str());
  if (own < 0)
    return absl::UnimplementedError(
        fmt::format("libaudit does not know the machine {}", machine));
  if (own == MACH_86_64) return {{{"b64", own}, {"b32", MACH_X86}}};
  if (own == MACH_AARCH64) return {{{"b64", own}, {"b32", MACH_ARM}}};
  const bool wide = audit_machine_to_elf(own) & __AUDIT_ARCH_64BIT;
  return {{{wide ? "b64" : "b32", own}}};
}

// An act under one set of circumstances.
struct Case {
  std::vector<std::string_view> circumstances;  // of the same kinds in each
  bool surely = true;    // recorded, by whichever call
  bool perhaps = false;  // by some call, under some further circumstance
};

// The cases of one act, and what is seen in them all.
class Cases {
 public:
  Cases(const std::vector<KernelRule>& rules, const std::vector<Abi>& abis)
      : rules_(rules), abis_(abis) {}

  // Adds the cases of one way; `call` has what all calls of it share.
  void Add(const Way& way, AuditedCall call) {
    call.ways = way.permission;
    for (const Abi& abi : abis_) {
      for (const bool root : {true, false}) {
        call.root = root;
        call.arch = static_cast<uint32_t>(audit_machine_to_elf(abi.machine));
        AddCase({abi.circumstance, root ? "root" : "user", way.circumstance},
                way, abi, call);
      }
    }
  }

  v1::AuditCoverage Row(std::string_view subject, std::string_view act) const {
    v1::AuditCoverage row;
    row.set_subject(std::string(subject));
    row.set_act(std::string(act));
    const bool all = std::all_of(cases_.begin(), cases_.end(),
                                 [](auto& each) { return each.surely; });
    const bool some = std::any_of(cases_.begin(), cases_.end(),
                                  [](auto& each) { return each.perhaps; });
    row.set_recorded(all ? "all" : some ? "some" : "none");
    for (const std::string_view missing : Missing())
      if (!missing.empty()) row.add_missing(std::string(missing));
    for (const KernelRule* rule : recording_) AddRule(*rule, row);
    return row;
  }

 private:
  void AddCase(std::vector<std::string_view> circumstances, const Way& way,
               const Abi& abi, AuditedCall call) {
    Case added{std::move(circumstances)};
    bool known = false;
    for (const std::string_view name : Words(way.syscalls)) {
      call.syscall =
          audit_name_to_syscall(std::string(name).c_str(), abi.machine);
      if (call.syscall < 0) continue;  // not on this machine
      known = true;
      const AuditOutcome outcome = FilterCall(rules_, call);
      added.surely = added.surely && outcome.surely;
      added.perhaps = added.perhaps || outcome.perhaps;
      recording_.insert(outcome.rules.begin(), outcome.rules.end());
    }
    // Each way has a call on every machine: libaudit does not know this one's.
    added.surely = added.surely && known;
    cases_.push_back(std::move(added));
  }

  // The circumstances that make the difference: with another in its place,
  // the act would be recorded. All, when it is in no case.
  std::set<std::string_view> Missing() const {
    std::set<std::string_view> missing;
    const bool never = std::none_of(cases_.begin(), cases_.end(),
                                    [](auto& each) { return each.surely; });
    for (const Case& each : cases_)
      for (size_t i = 0; !each.surely && i < each.circumstances.size(); ++i)
        if (never || Matters(each, i)) missing.insert(each.circumstances[i]);
    return missing;
  }

  bool Matters(const Case& missed, size_t kind) const {
    return std::any_of(cases_.begin(), cases_.end(), [&](const Case& other) {
      if (!other.surely) return false;
      std::vector<std::string_view> circumstances = other.circumstances;
      circumstances[kind] = missed.circumstances[kind];
      return circumstances == missed.circumstances;
    });
  }

  // Two rules that differ in their keys alone are one.
  static void AddRule(const KernelRule& rule, v1::AuditCoverage& row) {
    const std::string text = AuditRuleRow(rule).rule();
    const auto& known = row.rules();
    if (std::find(known.begin(), known.end(), text) == known.end())
      row.add_rules(text);
  }

  const std::vector<KernelRule>& rules_;
  const std::vector<Abi>& abis_;
  std::vector<Case> cases_;
  std::set<const KernelRule*> recording_;  // in the order of rules_
};

v1::AuditCoverage CoverFile(const FileAct& act, Cases cases) {
  AuditedCall call{};
  call.path = act.path;
  if (act.folder) call.path += "/*";
  call.records = {AUDIT_SYSCALL, AUDIT_PATH};
  for (const Way& way : {kAttributes, kWrite}) cases.Add(way, call);
  return cases.Row(act.subject, act.path);
}

v1::AuditCoverage CoverCall(const CallAct& act, Cases cases) {
  AuditedCall call{};
  call.argument = act.argument;
  call.records = {AUDIT_SYSCALL};
  if (act.way.permission == AUDIT_PERM_EXEC)
    call.records.push_back(AUDIT_EXECVE);  // its arguments
  cases.Add(act.way, call);
  return cases.Row(act.subject, act.act);
}

}  // namespace

absl::StatusOr<std::vector<v1::AuditCoverage>> CoverActs(
    const std::vector<KernelRule>& rules, std::string_view machine,
    const std::function<bool(std::string_view path)>& exists) {
  ASSIGN_OR_RETURN(const std::vector<Abi> abis, Abis(machine));
  const Cases none(rules, abis);
  std::vector<v1::AuditCoverage> rows;
  for (const FileAct& act : kFiles)
    if (exists(act.path)) rows.push_back(CoverFile(act, none));
  for (const CallAct& act : kCalls) rows.push_back(CoverCall(act, none));
  return rows;
}

absl::Status CollectAuditCoverage(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::string listed,
                   AskAudit(host, "audit_rules", AUDIT_LIST_RULES));
  ASSIGN_OR_RETURN(std::vector<KernelRule> rules, ReadKernelRules(listed));
  ASSIGN_OR_RETURN(const std::string said,
                   AskAudit(host, "audit_status", AUDIT_GET));
  ASSIGN_OR_RETURN(const v1::AuditStatus status, ReadAuditStatus(said));
  // While it is off, system calls are held against no rule.
  if (!status.enabled()) rules.clear();
  ASSIGN_OR_RETURN(const KernelFacts kernel, host.Kernel());
  ASSIGN_OR_RETURN(std::vector<v1::AuditCoverage> rows,
                   CoverActs(rules, kernel.machine, [&](std::string_view path) {
                     // One that cannot be seen may be there.
                     return host.Exists(path).value_or(true);
                   }));
  for (v1::AuditCoverage& row : rows)
    *snapshot.add_audit_coverage() = std::move(row);
  return absl::OkStatus();
}

}  // namespace metsuke
