#include "collectors/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libaudit.h>

#include "absl/strings/str_join.h"
#include "collectors/collector.h"
#include "tests/unit/audit_made.h"

namespace metsuke {

absl::Status CollectAuditStatus(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::HasSubstr;

std::string Show(const v1::AuditRule& row) {
  return row.list() + "|" + row.action() + "|" + row.rule() + "|" + row.keys();
}

std::string Row(const Made& made) {
  const auto rows = ReadAuditRules(made.Message());
  if (!rows.ok()) return rows.status().ToString();
  return rows->size() == 1 ? Show(rows->front()) : "not one row";
}

TEST(AuditRules, AWatchIsWrittenAsOne) {
  Made made;
  made.Watch(AUDIT_WATCH, "/etc/passwd")
      .Permissions(AUDIT_PERM_WRITE | AUDIT_PERM_ATTR);
  made.List(AUDIT_FILTER_EXIT, AUDIT_ALWAYS).Pair("key=identity");
  EXPECT_EQ(Row(made), "exit|always|-w /etc/passwd -p wa|identity");
}

TEST(AuditRules, ASyscallRuleHasArchSyscallsAndFields) {
  Made made;
  made.List(AUDIT_FILTER_EXIT, AUDIT_ALWAYS).Pair("arch=b64");
  made.Syscall("openat").Syscall("unlink");
  made.Pair("exit=-EACCES").Pair("auid>=1000").Pair("auid!=-1");
  made.Pair("key=access");
  EXPECT_EQ(Row(made),
            "exit|always|-a always,exit -F arch=b64 -S unlink,openat "
            "-F exit=-EACCES -F auid>=1000 -F auid!=-1|access");
}

// libaudit makes exe= only where it can ask the kernel for its features.
TEST(AuditRules, ComparisonsPathsAndNumbers) {
  const bool exe =
      (audit_get_features() & AUDIT_FEATURE_BITMAP_EXECUTABLE_PATH) != 0;
  Made made;
  made.List(AUDIT_FILTER_EXIT, AUDIT_ALWAYS).Pair("arch=b64");
  made.Syscall("execve").Compare("uid!=euid");
  made.Pair(exe ? "exe=/usr/bin/su" : "dir=/usr/bin");
  made.Pair("a0&0x40").Pair("success=1");
  EXPECT_EQ(Row(made),
            std::string("exit|always|-a always,exit -F arch=b64 -S execve -C "
                        "uid!=euid -F ") +
                (exe ? "exe=/usr/bin/su" : "dir=/usr/bin") +
                " -F a0&0x40 -F success=1|");
}

TEST(AuditRules, OtherListsHaveNoSyscalls) {
  Made exclude;
  exclude.List(AUDIT_FILTER_EXCLUDE, AUDIT_ALWAYS).Pair("msgtype=CWD");
  EXPECT_EQ(Row(exclude), "exclude|always|-a always,exclude -F msgtype=CWD|");
  Made user;
  user.List(AUDIT_FILTER_USER, AUDIT_NEVER).Pair("uid=33");
  EXPECT_EQ(Row(user), "user|never|-a never,user -F uid=33|");
}

TEST(AuditRules, SeveralKeysAreListed) {
  Made one, two;
  for (Made* made : {&one, &two}) {
    made->Watch(AUDIT_DIR, "/etc/ssh").Permissions(AUDIT_PERM_WRITE);
    made->List(AUDIT_FILTER_EXIT, AUDIT_ALWAYS);
  }
  one.Pair("key=ssh\1config");
  two.Pair("key=config\1sshd");
  const auto rows = ReadAuditRules(one.Message() + two.Message());
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 1);
  EXPECT_EQ(Show(rows->front()),
            "exit|always|-w /etc/ssh -p w|ssh,config,sshd");
}

// The typed columns, separated by "|".
std::string Typed(std::string_view rule) {
  const auto rows = ReadAuditRules(RuleMessage(rule));
  if (!rows.ok() || rows->size() != 1) return "not one row";
  const v1::AuditRule& row = rows->front();
  return absl::StrJoin(
      {row.arch(), absl::StrJoin(row.syscalls(), ","),
       row.path() + (row.below() ? "/..." : ""), row.permissions(),
       absl::StrJoin(row.conditions(), ",")},
      "|");
}

TEST(AuditRules, WhatARuleSaysStandsInColumns) {
  EXPECT_EQ(Typed("-w /etc/passwd -p aw -k identity"), "|all|/etc/passwd|wa|");
  EXPECT_EQ(Typed("-w /etc/sudoers.d -p wa"), "|all|/etc/sudoers.d/...|wa|");
  EXPECT_EQ(Typed("-a always,exit -F dir=/etc/ssh/ -F perm=w -F uid!=0"),
            "|all|/etc/ssh/...|w|uid!=0");
  EXPECT_EQ(Typed("-a always,exit -F arch=b64 -S openat,unlink -F exit=-EACCES "
                  "-F auid>=1000 -F auid!=unset -k access"),
            "b64|openat,unlink|||auid!=-1,auid>=1000,exit=-EACCES");
  EXPECT_EQ(Typed("-a never,exit -F arch=b32 -S stime -C auid!=obj_uid"),
            "b32|stime|||auid!=obj_uid");
  EXPECT_EQ(Typed("-a always,exit -F arch!=b32 -S all"), "|all|||arch!=b32");
  EXPECT_EQ(Typed("-a always,exclude -F msgtype=CWD"), "||||msgtype=CWD");
}

// auditctl -A marks it so; kernels of today take the mark off.
TEST(AuditRules, ARuleThatWasPutFirstIsLikeTheOthers) {
  Made made;
  made.Watch(AUDIT_WATCH, "/etc/passwd").Permissions(AUDIT_PERM_WRITE);
  made.List(AUDIT_FILTER_EXIT | AUDIT_FILTER_PREPEND, AUDIT_ALWAYS);
  EXPECT_EQ(Row(made), "exit|always|-w /etc/passwd -p w|");
}

TEST(AuditRules, EveryComparisonIsOfTheFieldsThatLibauditMeans) {
  for (const char* pair :
       {"uid!=obj_uid",   "gid!=obj_gid",  "euid!=obj_uid", "egid!=obj_gid",
        "auid!=obj_uid",  "suid!=obj_uid", "sgid!=obj_gid", "fsuid!=obj_uid",
        "fsgid!=obj_gid", "uid!=auid",     "uid!=euid",     "uid!=fsuid",
        "uid!=suid",      "auid!=fsuid",   "auid!=suid",    "auid!=euid",
        "euid!=suid",     "euid!=fsuid",   "suid!=fsuid",   "gid!=egid",
        "gid!=fsgid",     "gid!=sgid",     "egid!=fsgid",   "egid!=sgid",
        "sgid!=fsgid"})
    EXPECT_EQ(Typed(std::string("-a always,exit -S all -C ") + pair),
              std::string("|all|||") + pair);
}

TEST(AuditRules, TornRulesAreErrors) {
  Made made;
  made.Watch(AUDIT_WATCH, "/etc/passwd").Permissions(AUDIT_PERM_WRITE);
  made.data().values[0] = 1 << 30;
  EXPECT_THAT(Row(made), HasSubstr("a text beyond its end"));
  made.data().values[0] = 11;
  made.data().buflen = 1 << 20;
  EXPECT_THAT(
      ReadAuditRules(
          NetlinkMessage(AUDIT_LIST_RULES,
                         std::string(reinterpret_cast<char*>(&made.data()),
                                     sizeof(audit_rule_data) + 11)))
          .status()
          .ToString(),
      HasSubstr("texts beyond its end"));
  made.data().buflen = 11;
  made.data().field_count = 65;
  EXPECT_THAT(Row(made), HasSubstr("too many fields"));
  EXPECT_FALSE(ReadAuditRules(NetlinkMessage(AUDIT_LIST_RULES, "short")).ok());
  EXPECT_EQ(ReadAuditRules("").value().size(), 0);
  EXPECT_EQ(ReadAuditRules("\xff\xff\xff\xff 1234567890123").value().size(), 0);
}

std::string StatusMessage(const std::vector<uint32_t>& words) {
  return NetlinkMessage(AUDIT_GET,
                        std::string(reinterpret_cast<const char*>(words.data()),
                                    words.size() * 4));
}

TEST(AuditStatus, SaysWhatTheKernelSays) {
  const auto row = ReadAuditStatus(
      StatusMessage({0, 2, 2, 711, 100, 8192, 5, 1, 127, 60000, 0}));
  ASSERT_TRUE(row.ok());
  EXPECT_TRUE(row->enabled());
  EXPECT_TRUE(row->locked());
  EXPECT_TRUE(row->daemon());
  EXPECT_EQ(row->failure(), "panic");
  EXPECT_EQ(row->rate_limit(), 100);
  EXPECT_EQ(row->backlog_limit(), 8192);
  EXPECT_EQ(row->lost(), 5);
  EXPECT_EQ(row->pid(), 711);
  EXPECT_EQ(row->backlog(), 0);
}

TEST(AuditStatus, RecordsThatWaitAreToldInTenthsOfTheLimit) {
  const auto backlog = [](uint32_t limit, uint32_t waiting) {
    return ReadAuditStatus(
               StatusMessage({0, 1, 1, 7, 0, limit, 0, waiting}))
        ->backlog();
  };
  EXPECT_EQ(backlog(8192, 818), 0);
  EXPECT_EQ(backlog(8192, 819), 819);
  EXPECT_EQ(backlog(8192, 8192), 8190);
  EXPECT_EQ(backlog(64, 64), 60);
  // Without a limit to speak of, as many as there are.
  EXPECT_EQ(backlog(0, 7), 7);
}

TEST(AuditStatus, ACounterThatRunsChangesItRarely) {
  const auto lost = [](uint32_t count) {
    return ReadAuditStatus(StatusMessage({0, 1, 1, 7, 0, 64, count}))->lost();
  };
  EXPECT_EQ(lost(99), 99);
  EXPECT_EQ(lost(12345), lost(12999));
  EXPECT_EQ(lost(4294967295), 4200000000);
}

TEST(AuditStatus, AnOlderKernelsShorterAnswerWillDo) {
  const auto row = ReadAuditStatus(StatusMessage({0, 1, 0, 0, 0, 64, 0}));
  ASSERT_TRUE(row.ok());
  EXPECT_TRUE(row->enabled());
  EXPECT_FALSE(row->locked());
  EXPECT_FALSE(row->daemon());
  EXPECT_EQ(row->failure(), "silent");
  EXPECT_FALSE(ReadAuditStatus(StatusMessage({0, 1})).ok());
  EXPECT_FALSE(ReadAuditStatus("").ok());
}

// A host whose kernel answers every request with one status.
class Refusing : public Host {
 public:
  explicit Refusing(absl::Status status) : status_(std::move(status)) {}
  absl::StatusOr<std::string> Netlink(std::string_view, int,
                                      std::string_view) const override {
    return status_;
  }

 private:
  absl::Status status_;
};

TEST(AuditStatus, AKernelWithoutAuditIsAbsentAndAContainerIsNot) {
  v1::Snapshot snapshot;
  EXPECT_TRUE(IsAbsent(CollectAuditStatus(
      Refusing(absl::UnimplementedError("refused")), snapshot)));
  const absl::Status denied = CollectAuditStatus(
      Refusing(absl::PermissionDeniedError("netlink audit_status: no")),
      snapshot);
  EXPECT_TRUE(absl::IsPermissionDenied(denied));
  EXPECT_FALSE(IsAbsent(denied));
  EXPECT_THAT(denied.ToString(), HasSubstr("CAP_AUDIT_CONTROL"));
  EXPECT_EQ(snapshot.audit_status_size(), 0);
}

}  // namespace
}  // namespace metsuke
