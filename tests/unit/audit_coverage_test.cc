#include "collectors/audit_coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "absl/strings/str_join.h"
#include "collectors/audit.h"
#include "collectors/collector.h"
#include "tests/unit/audit_made.h"

namespace metsuke {

absl::Status CollectAuditCoverage(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<v1::AuditCoverage> Cover(const std::string& messages) {
  const auto rules = ReadKernelRules(messages);
  EXPECT_TRUE(rules.ok()) << rules.status();
  const auto rows =
      CoverActs(*rules, Machine(), [](std::string_view) { return true; });
  EXPECT_TRUE(rows.ok()) << rows.status();
  return *rows;
}

v1::AuditCoverage RowOf(const std::string& messages, std::string_view act) {
  for (const v1::AuditCoverage& row : Cover(messages))
    if (row.act() == act) return row;
  ADD_FAILURE() << "no row of " << act;
  return {};
}

// "all", "none", or "some" with what is missing.
std::string Shown(const v1::AuditCoverage& row) {
  if (row.recorded() != "some") return row.recorded();
  return "some without " + absl::StrJoin(row.missing(), ",");
}

// How an act fares under rules as auditctl takes them, a line each.
std::string Covered(std::string_view rules, std::string_view act) {
  return Shown(RowOf(RuleMessages(rules), act));
}

TEST(AuditCoverage, WithoutRulesNothingIsRecorded) {
  const auto rows = Cover("");
  EXPECT_EQ(rows.size(), 25);
  for (const v1::AuditCoverage& row : rows) {
    EXPECT_EQ(row.recorded(), "none") << row.act();
    EXPECT_THAT(row.rules(), IsEmpty());
  }
  EXPECT_THAT(RowOf("", "/etc/passwd").missing(),
              ElementsAre("attributes", "b32", "b64", "root", "user", "write"));
  EXPECT_THAT(RowOf("", "execve").missing(),
              ElementsAre("b32", "b64", "root", "user"));
}

TEST(AuditCoverage, AWatchRecordsWhatItsPermissionsName) {
  EXPECT_EQ(Covered("-w /etc/shadow -p wa", "/etc/shadow"), "all");
  EXPECT_EQ(Covered("-w /etc/shadow -p w", "/etc/shadow"),
            "some without attributes");
  EXPECT_EQ(Covered("-w /etc/shadow -p rxa", "/etc/shadow"),
            "some without write");
  EXPECT_EQ(Covered("-w /etc/shadow -p rx", "/etc/shadow"), "none");
  EXPECT_EQ(Covered("-w /etc/shadow -p wa", "/etc/passwd"), "none");
  EXPECT_EQ(Covered("-w /etc/shadow- -p wa", "/etc/shadow"), "none");
}

TEST(AuditCoverage, TheRulesThatRecordItAreNamedWithoutTheirKeys) {
  EXPECT_THAT(RowOf(RuleMessages("-w /etc/shadow -p a -k one\n"
                                 "-w /etc/passwd -p wa -k two\n"
                                 "-w /etc/shadow -p w -k three\n"),
                    "/etc/shadow")
                  .rules(),
              ElementsAre("-w /etc/shadow -p a", "-w /etc/shadow -p w"));
}

TEST(AuditCoverage, AWatchOnAFolderRecordsWhatIsBelow) {
  for (const char* rule :
       {"-w /etc/ -p wa", "-a always,exit -F dir=/etc/ -F perm=wa",
        "-w /etc/ssh/ -p wa", "-a always,exit -F dir=/ -F perm=wa"}) {
    EXPECT_EQ(Covered(rule, "/etc/ssh/sshd_config"), "all") << rule;
    EXPECT_EQ(Covered(rule, "/etc/ssh/sshd_config.d"), "all") << rule;
    EXPECT_EQ(Covered(rule, "execve"), "none") << rule;
  }
  EXPECT_EQ(Covered("-w /etc/ss/ -p wa", "/etc/ssh/sshd_config"), "none");
  EXPECT_EQ(Covered("-w /etc/sudoers.d -p wa", "/etc/sudoers.d"), "all");
  EXPECT_EQ(Covered("-w /etc/sudoers.d -p wa", "/etc/sudoers"), "none");
}

// The kernel notes the folder when a name in it is made or goes, and not when a
// file in it is opened.
TEST(AuditCoverage, ARuleOnAFolderItselfOrOneFileOfItSeesAPart) {
  EXPECT_EQ(Covered("-a always,exit -F path=/etc/sudoers.d -F perm=wa",
                    "/etc/sudoers.d"),
            "some without attributes,b32,b64,root,user,write");
  EXPECT_EQ(Covered("-a always,exit -F path=/etc/sudoers.d/local -F perm=wa",
                    "/etc/sudoers.d"),
            "some without attributes,b32,b64,root,user,write");
  EXPECT_EQ(Covered("-a always,exit -F path=/ -F perm=wa", "/etc/passwd"),
            "none");
}

TEST(AuditCoverage, TheFirstRuleThatMatchesDecides) {
  const std::string never = "-a never,exit -F path=/etc/shadow -F perm=wa\n";
  const std::string watch = "-w /etc/shadow -p wa\n";
  EXPECT_EQ(Covered(never + watch, "/etc/shadow"), "none");
  EXPECT_EQ(Covered(watch + never, "/etc/shadow"), "all");
  EXPECT_EQ(Covered("-a never,exit -F arch=b64 -S execve\n"
                    "-a always,exit -F arch=b64 -S execve\n"
                    "-a always,exit -F arch=b32 -S execve\n",
                    "execve"),
            "some without b64");
  EXPECT_EQ(Covered("-a never,exit -F arch=b64 -S chmod,rename\n" + watch,
                    "/etc/shadow"),
            "some without b64");
  EXPECT_THAT(RowOf(RuleMessages(never + watch), "/etc/shadow").rules(),
              IsEmpty());
}

TEST(AuditCoverage, ARuleThatMayHideDoes) {
  const std::string always =
      "-a always,exit -F arch=b64 -S execve\n"
      "-a always,exit -F arch=b32 -S execve\n";
  EXPECT_EQ(Covered("-a never,exit -F pid=7\n" + always, "execve"),
            "some without b32,b64,root,user");
  EXPECT_EQ(Covered("-a never,exit -F uid=33\n" + always, "execve"), "all");
  EXPECT_EQ(Covered("-a never,exit -F auid=unset\n" + always, "execve"), "all");
  EXPECT_EQ(Covered("-a never,exit -F auid=1007\n" + always, "execve"),
            "some without b32,b64,root,user");
  EXPECT_EQ(Covered("-a never,exit -F uid=0\n" + always, "execve"),
            "some without root");
  EXPECT_EQ(Covered("-a always,exit -F pid=7 -S execve\n" + always, "execve"),
            "all");
}

TEST(AuditCoverage, SystemCallsOfThirtyTwoBitProgramsHaveTheirOwnNumbers) {
  EXPECT_EQ(Covered("-a always,exit -F arch=b64 -S init_module", "init_module"),
            "some without b32");
  EXPECT_EQ(Covered("-a always,exit -F arch=b32 -S init_module", "init_module"),
            "some without b64");
  // Without an architecture the number is the one of this machine's own.
  EXPECT_EQ(Covered("-a always,exit -S init_module", "init_module"),
            "some without b32");
  EXPECT_EQ(Covered("-a always,exit -F arch!=b32 -S all", "delete_module"),
            "some without b32");
  EXPECT_EQ(Covered("-a always,exit -S all", "delete_module"), "all");
}

TEST(AuditCoverage, ConditionsOnWhoActs) {
  const auto both = [](const std::string& conditions) {
    return Covered("-a always,exit -F arch=b64 -S execve " + conditions +
                       "\n-a always,exit -F arch=b32 -S execve " + conditions,
                   "execve");
  };
  EXPECT_EQ(both("-F auid>=1000 -F auid!=unset"), "all");
  EXPECT_EQ(both("-F auid>=500 -F auid!=-1"), "all");
  EXPECT_EQ(both("-F euid=0 -F auid>=1000 -F auid!=unset"),
            "some without user");
  EXPECT_EQ(both("-F uid!=0"), "some without root");
  EXPECT_EQ(both("-F uid>0 -F auid<=60000"), "some without root");
  EXPECT_EQ(both("-F auid=1000"), "some without b32,b64,root,user");
  EXPECT_EQ(both("-F auid=0"), "none");
  EXPECT_EQ(both("-F auid<1000"), "none");
  EXPECT_EQ(both("-F auid=unset"), "none");
  EXPECT_EQ(both("-C auid!=uid"), "some without user");
  EXPECT_EQ(both("-C uid!=fsuid"), "some without b32,b64,root,user")
      << "by programs that are set-user-ID";
  EXPECT_EQ(both("-C uid=auid"), "some without root");
}

TEST(AuditCoverage, ConditionsOnWhatBecameOfIt) {
  const auto watched = [](const std::string& conditions) {
    return Covered("-a always,exit -F path=/etc/group -F perm=wa " + conditions,
                   "/etc/group");
  };
  EXPECT_EQ(watched("-F success=1"), "all");
  EXPECT_EQ(watched("-F success=0"), "none");
  EXPECT_EQ(watched("-F success!=1"), "none");
  EXPECT_EQ(watched("-F exit=-EACCES"), "none");
  EXPECT_EQ(watched("-F exit>=0"), "all");
  EXPECT_EQ(watched("-F exit=0"),
            "some without attributes,b32,b64,root,user,write");
  EXPECT_EQ(watched("-F obj_uid=0"),
            "some without attributes,b32,b64,root,user,write");
}

// libaudit makes exe= only where it can ask the kernel for its features.
TEST(AuditCoverage, OneProgramIsNotAll) {
  Made made;
  made.List(AUDIT_FILTER_EXIT, AUDIT_ALWAYS).Syscall("all");
  made.Pair("dir=/usr/bin/passwd");
  made.data().fields[0] = AUDIT_EXE;
  EXPECT_EQ(Shown(RowOf(made.Message(), "/etc/shadow")),
            "some without attributes,b32,b64,root,user,write");
  EXPECT_EQ(
      Covered("-a always,exit -S all -F path=/usr/bin/su -F perm=x", "execve"),
      "some without b32,b64,root,user");
}

TEST(AuditCoverage, OfTheClocksTheOneOfTheDayCounts) {
  const std::string named =
      "-a always,exit -F arch=b64 -S clock_settime,clock_adjtime -F a0=0x0\n"
      "-a always,exit -F arch=b32 -S clock_settime,clock_adjtime -F a0=0x0\n";
  EXPECT_EQ(Covered(named, "clock_settime"), "some without b32")
      << "32-bit programs call clock_settime64";
  const std::string both =
      named +
      "-a always,exit -F arch=b32 -S clock_settime64,clock_adjtime64 -F a0=0\n";
  EXPECT_EQ(Covered(both, "clock_settime"), "all");
  EXPECT_EQ(Covered(both, "clock_adjtime"), "all");
  EXPECT_EQ(Covered(both, "adjtimex"), "none");
  EXPECT_EQ(Covered("-a always,exit -S all -F a0=1", "clock_settime"), "none");
  EXPECT_EQ(Covered("-a always,exit -S all -F a0=0", "settimeofday"),
            "some without b32,b64,root,user");
}

constexpr char kWriting[] =
    "-a always,exit -F arch=b64 -S open,openat,openat2,creat,truncate,rename,"
    "renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat\n"
    "-a always,exit -F arch=b32 -S open,openat,openat2,creat,truncate,"
    "truncate64,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,"
    "symlinkat\n";

TEST(AuditCoverage, RulesForAllWaysOfWritingNeedNoPath) {
  if (Machine() != "x86_64") GTEST_SKIP() << "the names are those of x86_64";
  EXPECT_EQ(Covered(kWriting, "/etc/passwd"), "some without attributes");
  EXPECT_EQ(Covered("-a always,exit -F arch=b64 -S openat\n"
                    "-a always,exit -F arch=b32 -S openat\n",
                    "/etc/passwd"),
            "some without attributes,b32,b64,root,user,write")
      << "useradd renames, and so do editors";
}

TEST(AuditCoverage, WhatIsDecidedOfAProcessHoldsForAllItsCalls) {
  const std::string watch = "-w /etc/passwd -p wa\n";
  EXPECT_EQ(Covered(watch + "-a never,task", "/etc/passwd"), "none");
  EXPECT_EQ(Covered(watch + "-a never,task -F uid=33", "/etc/passwd"), "all");
  EXPECT_EQ(Covered(watch + "-a never,task -F uid=0", "/etc/passwd"),
            "some without root");
  EXPECT_EQ(Covered("-a never,exit -S all\n-a always,task", "execve"), "all");
}

TEST(AuditCoverage, RecordsThatAreExcludedAreNotThere) {
  const std::string watch = "-w /etc/passwd -p wa\n-a always,exit -S execve\n";
  EXPECT_EQ(Covered(watch + "-a always,exclude -F msgtype=CWD", "/etc/passwd"),
            "all");
  EXPECT_EQ(Covered(watch + "-a always,exclude", "/etc/passwd"), "all");
  EXPECT_EQ(Covered(watch + "-a always,exclude -F msgtype=PATH", "/etc/passwd"),
            "none");
  EXPECT_EQ(
      Covered(watch + "-a never,exclude -F msgtype=SYSCALL", "/etc/passwd"),
      "none");
  EXPECT_EQ(Covered(watch + "-a always,exclude -F msgtype=PATH", "execve"),
            "some without b32");
  EXPECT_EQ(Covered(watch + "-a always,exclude -F msgtype=EXECVE", "execve"),
            "none");
  EXPECT_EQ(Covered(watch + "-a always,exclude -F uid=0", "/etc/passwd"),
            "some without root");
  EXPECT_EQ(Covered(watch + "-a always,exclude -F pid=7", "/etc/passwd"),
            "some without attributes,b32,b64,root,user,write");
}

TEST(AuditCoverage, FileSystemsThatAreOverlooked) {
  const auto overlooked = [](uint32_t type) {
    Made made;
    made.List(AUDIT_FILTER_FS, AUDIT_NEVER);
    made.data().field_count = 1;
    made.data().fields[0] = AUDIT_FSTYPE;
    made.data().fieldflags[0] = AUDIT_EQUAL;
    made.data().values[0] = type;
    return Shown(RowOf(RuleMessages("-w /etc/passwd -p wa") + made.Message(),
                       "/etc/passwd"));
  };
  EXPECT_EQ(overlooked(0x74726163), "all") << "tracefs";
  EXPECT_EQ(overlooked(0xef53),
            "some without attributes,b32,b64,root,user,write")
      << "ext4";
}

// In the manner of those that auditd brings for STIG and PCI DSS, written down
// anew.
constexpr char kPublished[] = R"(
-D
-b 8192
-a always,exit -F arch=b32 -S adjtimex,settimeofday,stime -F key=time-change
-a always,exit -F arch=b64 -S adjtimex,settimeofday -F key=time-change
-a always,exit -F arch=b32 -S clock_settime -F a0=0x0 -F key=time-change
-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -F key=time-change
-w /etc/localtime -p wa -k time-change
-a always,exit -F path=/etc/passwd -F perm=wa -F key=identity
-w /etc/shadow -p wa -k identity
-w /etc/group -p wa -k identity
# The next two are about failures alone.
-a always,exit -F arch=b64 -S openat,truncate -F exit=-EACCES -F auid>=1000 -F auid!=unset -F key=access
-a always,exit -F arch=b32 -S openat,truncate -F exit=-EPERM -F auid>=1000 -F auid!=unset -F key=access
-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat -F auid>=1000 -F auid!=unset -F key=perm_mod
-a always,exit -F arch=b64 -S execve -C uid!=euid -F euid=0 -F key=setuid
-a always,exit -F arch=b32 -S init_module,finit_module -F key=module-load
-a always,exit -F arch=b64 -S init_module,finit_module -F key=module-load
-a always,exit -F dir=/etc/sudoers.d/ -F perm=wa -F key=actions
-w /etc/sudoers -p wa -k actions
)";

TEST(AuditCoverage, APublishedSetOfRules) {
  std::vector<std::string> all, some;
  for (const v1::AuditCoverage& row : Cover(RuleMessages(kPublished))) {
    if (row.recorded() == "all") all.push_back(row.act());
    if (row.recorded() == "some")
      some.push_back(row.act() + " without " +
                     absl::StrJoin(row.missing(), ","));
  }
  EXPECT_THAT(all, ElementsAre("/etc/passwd", "/etc/shadow", "/etc/group",
                               "/etc/sudoers", "/etc/sudoers.d",
                               "/etc/localtime", "adjtimex", "settimeofday",
                               "init_module", "finit_module"));
  const std::string some_mode = " without attributes,b32,b64,root,user,write";
  EXPECT_THAT(
      some,
      ElementsAre(
          "/etc/gshadow" + some_mode, "/etc/security/opasswd" + some_mode,
          "/etc/ssh/sshd_config" + some_mode,
          "/etc/ssh/sshd_config.d" + some_mode, "/var/log/wtmp" + some_mode,
          "/var/log/btmp" + some_mode, "/var/log/lastlog" + some_mode,
          "/var/log/faillog" + some_mode, "/var/lib/wtmpdb/wtmp.db" + some_mode,
          "/var/lib/lastlog/lastlog2.db" + some_mode,
          "clock_settime without b32", "execve without b32,b64,root,user"));
}

// Every rule in the advice of the baseline, which is in both languages.
std::string Advised() {
  std::ifstream in(METSUKE_SOURCE "/playbooks/baseline/audit.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  const std::string baseline = text.str();
  const std::regex rule("-[wa] /?[a-z][^;]*? -k [a-z-]+");
  std::string rules;
  for (std::sregex_iterator each(baseline.begin(), baseline.end(), rule), end;
       each != end; ++each)
    rules += each->str() + "\n";
  return rules;
}

TEST(AuditCoverage, WhatTheBaselineAdvisesRecordsAll) {
  for (const v1::AuditCoverage& row : Cover(RuleMessages(Advised())))
    EXPECT_EQ(Shown(row),
              row.subject() == "commands" ? "some without user" : "all")
        << row.act();
}

// Answers as a kernel with these rules.
class Audited : public Host {
 public:
  explicit Audited(uint32_t enabled) : enabled_(enabled) {}
  absl::StatusOr<std::string> Netlink(std::string_view name, int,
                                      std::string_view) const override {
    if (name == "audit_rules") return RuleMessages("-w /etc/passwd -p wa");
    const uint32_t words[] = {0, enabled_, 1, 7, 0, 64, 0};
    return NetlinkMessage(AUDIT_GET,
                          {reinterpret_cast<const char*>(words), sizeof words});
  }
  absl::StatusOr<KernelFacts> Kernel() const override {
    return KernelFacts{"web01", "6.1.0", "s390x", true};
  }
  absl::StatusOr<FileInfo> Stat(std::string_view path) const override {
    if (path == "/etc/passwd") return FileInfo{};
    if (path == "/var/log/btmp") return absl::PermissionDeniedError("closed");
    return absl::NotFoundError("no such file");
  }

 private:
  uint32_t enabled_;
};

std::vector<std::string> Collected(uint32_t enabled) {
  v1::Snapshot snapshot;
  EXPECT_TRUE(CollectAuditCoverage(Audited(enabled), snapshot).ok());
  std::vector<std::string> shown;
  for (const v1::AuditCoverage& row : snapshot.audit_coverage())
    if (row.act().starts_with('/'))
      shown.push_back(row.act() + " " + Shown(row));
  return shown;
}

TEST(AuditCoverage, IsAboutFilesThatAreThereOrMayBe) {
  EXPECT_THAT(Collected(1),
              ElementsAre("/etc/passwd all", "/var/log/btmp none"));
  EXPECT_THAT(Collected(2),
              ElementsAre("/etc/passwd all", "/var/log/btmp none"));
}

TEST(AuditCoverage, AuditThatIsOffRecordsNothing) {
  EXPECT_THAT(Collected(0),
              ElementsAre("/etc/passwd none", "/var/log/btmp none"));
}

TEST(AuditCoverage, NotEveryMachineRunsProgramsOfBothWidths) {
  const auto missing = [](std::string_view machine) {
    const auto rows =
        CoverActs({}, machine, [](std::string_view) { return false; });
    EXPECT_TRUE(rows.ok()) << rows.status();
    EXPECT_EQ(rows->size(), 9) << "no file is there";
    return absl::StrJoin(rows->front().missing(), ",");
  };
  EXPECT_EQ(missing("x86_64"), "b32,b64,root,user");
  EXPECT_EQ(missing("aarch64"), "b32,b64,root,user");
  EXPECT_EQ(missing("s390x"), "b64,root,user");
  EXPECT_EQ(missing("i686"), "b32,root,user");
}

TEST(AuditCoverage, AMachineThatLibauditDoesNotKnowIsSaid) {
  EXPECT_TRUE(absl::IsUnimplemented(
      CoverActs({}, "pdp11", [](std::string_view) { return true; }).status()));
}

}  // namespace
}  // namespace metsuke
