#include "collectors/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libaudit.h>
#include <linux/netlink.h>

#include <cstring>

#include "collectors/collector.h"

namespace metsuke {

absl::Status CollectAuditStatus(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::HasSubstr;

std::string NetlinkMessage(uint16_t type, const std::string& payload) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(payload.size());
  header.nlmsg_type = type;
  std::string message(reinterpret_cast<char*>(&header), sizeof header);
  message += payload;
  message.resize(NLMSG_ALIGN(message.size()));
  return message;
}

// A rule as libaudit makes it for the kernel, which lists it as it was set.
class Made {
 public:
  Made() : data_(audit_rule_create_data()) {
    AllowKeys();
    data_->flags = AUDIT_FILTER_EXIT;
  }
  ~Made() { audit_rule_free_data(data_); }

  Made& Pair(const char* pair) {
    std::string copy = pair;
    EXPECT_EQ(audit_rule_fieldpair_data(&data_, copy.data(),
                                        static_cast<int>(data_->flags)),
              0)
        << pair;
    return *this;
  }
  // libaudit takes a key only in a process in which it has seen a permission;
  // auditctl tells it of syscalls by a variable that is not exported.
  static void AllowKeys() {
    audit_rule_data* scratch = audit_rule_create_data();
    EXPECT_EQ(audit_add_watch_dir(AUDIT_WATCH, &scratch, "/etc/hostname"), 0);
    EXPECT_EQ(audit_update_watch_perms(scratch, AUDIT_PERM_READ), 0);
    audit_rule_free_data(scratch);
  }
  Made& Compare(const char* pair) {
    std::string copy = pair;
    EXPECT_EQ(audit_rule_interfield_comp_data(&data_, copy.data(),
                                              AUDIT_FILTER_EXIT),
              0)
        << pair;
    return *this;
  }
  Made& Syscall(const char* name) {
    EXPECT_EQ(audit_rule_syscallbyname_data(data_, name), 0) << name;
    return *this;
  }
  Made& Watch(int type, const char* path) {
    EXPECT_EQ(audit_add_watch_dir(type, &data_, path), 0);
    return *this;
  }
  Made& Permissions(int permissions) {
    EXPECT_EQ(audit_update_watch_perms(data_, permissions), 0);
    return *this;
  }
  Made& List(uint32_t list, uint32_t action) {
    data_->flags = list;
    data_->action = action;
    return *this;
  }
  audit_rule_data& data() { return *data_; }

  std::string Message() const {
    return NetlinkMessage(
        AUDIT_LIST_RULES,
        std::string(reinterpret_cast<const char*>(data_),
                    offsetof(audit_rule_data, buf) + data_->buflen));
  }

 private:
  audit_rule_data* data_;
};

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
  made.Watch(AUDIT_WATCH, "/etc/passwd").Permissions(AUDIT_PERM_WRITE | AUDIT_PERM_ATTR);
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
  EXPECT_EQ(Show(rows->front()), "exit|always|-w /etc/ssh -p w|ssh,config,sshd");
}

TEST(AuditRules, TornRulesAreErrors) {
  Made made;
  made.Watch(AUDIT_WATCH, "/etc/passwd").Permissions(AUDIT_PERM_WRITE);
  made.data().values[0] = 1 << 30;
  EXPECT_THAT(Row(made), HasSubstr("a text beyond its end"));
  made.data().values[0] = 11;
  made.data().buflen = 1 << 20;
  EXPECT_THAT(ReadAuditRules(NetlinkMessage(
                  AUDIT_LIST_RULES,
                  std::string(reinterpret_cast<char*>(&made.data()),
                              sizeof(audit_rule_data) + 11)))
                  .status().ToString(),
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
      Refusing(absl::PermissionDeniedError("netlink audit_status: no")), snapshot);
  EXPECT_TRUE(absl::IsPermissionDenied(denied));
  EXPECT_FALSE(IsAbsent(denied));
  EXPECT_THAT(denied.ToString(), HasSubstr("CAP_AUDIT_CONTROL"));
  EXPECT_EQ(snapshot.audit_status_size(), 0);
}

}  // namespace
}  // namespace metsuke
