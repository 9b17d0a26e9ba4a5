// The gate asked by itself: what it may remember, and where it stops.

#include "collectors/ssh_gate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SshPerson Person(const std::string& name) {
  SshPerson person;
  person.account.name = name;
  person.row.set_password_changed(std::time(nullptr));
  person.row.set_password_max_days(-1);
  return person;
}

SshPolicy WithPam(const std::string& service = "sshd") {
  SshPolicy policy;
  policy.use_pam = true;
  policy.pam_service = service;
  return policy;
}

class SshGateTest : public testing::Test {
 protected:
  // The host's files are read once by each gate.
  void Ask() {
    snapshot_.Clear();
    host_.emplace(folder_.path());
    gaps_.emplace("ssh_access", snapshot_);
    gate_.emplace(*host_, *gaps_);
  }
  // From where the account may come, such as "0.0.0.0/0 ::/0".
  std::string From(const SshPerson& person, const SshPolicy& policy) {
    AddressSet all;
    for (const auto& [part, why] : gate_->Of(person, policy).allowed)
      all.Add(part);
    return fmt::format("{}", fmt::join(all.Networks(), " "));
  }
  std::string From(const std::string& name,
                   const SshPolicy& policy = WithPam()) {
    return From(Person(name), policy);
  }
  std::vector<std::string> Gaps() const {
    std::vector<std::string> gaps;
    for (const v1::Gap& gap : snapshot_.gaps())
      gaps.push_back(gap.subject() + ": " + gap.reason());
    return gaps;
  }
  void Account(const std::string& lines, const std::string& service = "sshd") {
    folder_.Write("etc/pam.d/" + service, lines);
  }
  void Access(const std::string& rules,
              const std::string& file = "etc/security/access.conf") {
    folder_.Write(file, rules);
  }

  HostFolder folder_;
  v1::Snapshot snapshot_;
  std::optional<RecordedHost> host_;
  std::optional<metsuke::Gaps> gaps_;
  std::optional<SshGate> gate_;
};

constexpr char kEverywhere[] = "0.0.0.0/0 ::/0";
constexpr char kPamAccess[] = "account required pam_access.so\n";

TEST_F(SshGateTest, TakesNoAnswerForAnother) {
  Account(kPamAccess);
  Account(
      "account required pam_access.so accessfile=/etc/other\n"
      "account required pam_access.so accessfile=/etc/third\n",
      "other");
  Access("-:alice:0.0.0.0/1\n");
  Access("-:alice:128.0.0.0/1\n", "etc/other");
  Access("-:alice:0.0.0.0/2\n", "etc/third");
  folder_.Write("etc/nologin", "");
  Ask();
  EXPECT_EQ(From("alice"), "128.0.0.0/1 ::/0");
  EXPECT_EQ(From("bob"), kEverywhere);
  // Each line with options of its own.
  EXPECT_EQ(From("alice", WithPam("other")), "64.0.0.0/2 ::/0");
  EXPECT_THAT(Gaps(), IsEmpty());
  SshPolicy names = WithPam();
  names.use_dns = true;
  EXPECT_EQ(From("alice", names), kEverywhere);
  EXPECT_THAT(Gaps(), ElementsAre(HasSubstr("it cannot be told")));
  // Without PAM it is sshd that looks for /etc/nologin.
  SshPolicy alone;
  EXPECT_EQ(From("alice", alone), kEverywhere);
  EXPECT_THAT(gate_->Of(Person("alice"), alone).restriction,
              HasSubstr("forwarding alone"));
  alone.forwarding = false;
  EXPECT_EQ(From("alice", alone), "");
}

// 1000 rules make a million pairs for each account they tell from the others.
TEST_F(SshGateTest, HoldsSoManyRulesAgainstAccountsAndNoMore) {
  Account(kPamAccess);
  std::string rules;
  for (int i = 0; i < 1000; ++i) rules += fmt::format("-:user{}:ALL\n", i);
  Access(rules);
  Ask();
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(From(fmt::format("user{}", i)), "") << i;
  EXPECT_THAT(Gaps(), IsEmpty());
  EXPECT_EQ(From("user50"), kEverywhere);
  EXPECT_THAT(Gaps(), ElementsAre("/etc/pam.d/sshd:1 pam_access.so: it has "
                                  "more rules than are held against accounts"));
  EXPECT_EQ(From("user0"), "");
}

TEST_F(SshGateTest, ReadsNoRulesWhenTheyAreTooMany) {
  Account(kPamAccess);
  std::string rules;
  for (int i = 0; i < 2000; ++i) rules += "-:alice:ALL\n";
  Access(rules);
  Ask();
  EXPECT_EQ(From("alice"), "");
  Access("-:alice:ALL\n", "etc/security/access.d/1.conf");
  Ask();
  EXPECT_EQ(From("alice"), kEverywhere);
  EXPECT_THAT(Gaps(), ElementsAre("/etc/security/access.d/1.conf: it has more "
                                  "rules than are read"));
}

TEST_F(SshGateTest, ReadsTheFilesThatTheModuleReads) {
  Account(kPamAccess);
  Access("-:alice:0.0.0.0/1\n", "etc/security/access.d/1.conf");
  Access("-:alice:ALL\n", "etc/security/access.d/2.cnf");
  Access("-:alice:ALL\n", "etc/security/access.d/.3.conf");
  Ask();
  EXPECT_EQ(From("alice"), "128.0.0.0/1 ::/0");
  EXPECT_THAT(Gaps(), IsEmpty());
  // One that cannot be read may say anything.
  folder_.Link("etc/security/access.d/4.conf", "/gone");
  Ask();
  EXPECT_EQ(From("alice"), kEverywhere);
  EXPECT_THAT(Gaps(),
              ElementsAre(HasSubstr("/etc/security/access.d/4.conf: ")));
  // The folder belongs to the usual file.
  Access("-:alice:128.0.0.0/1\n", "etc/other");
  Account("account required pam_access.so accessfile=/etc/other\n");
  Ask();
  EXPECT_EQ(From("alice"), "0.0.0.0/1 ::/0");
}

TEST_F(SshGateTest, ReadsSoManyFilesAndSaysThatThereAreMore) {
  Account(kPamAccess);
  for (int i = 1; i < 255; ++i)
    Access("", fmt::format("etc/security/access.d/{:03}.conf", i));
  Access("-:alice:0.0.0.0/1\n", "etc/security/access.d/255.conf");
  Ask();
  EXPECT_EQ(From("alice"), "128.0.0.0/1 ::/0");
  EXPECT_THAT(Gaps(), IsEmpty());
  Access("-:alice:ALL\n", "etc/security/access.d/256.conf");
  Ask();
  EXPECT_EQ(From("alice"), "128.0.0.0/1 ::/0");
  EXPECT_THAT(Gaps(), ElementsAre("/etc/security/access.d: it has more files "
                                  "than are read"));
}

TEST_F(SshGateTest, AFolderThatCannotBeReadIsAGap) {
  Account(kPamAccess);
  folder_.Link("etc/security/access.d", "access.d");
  Ask();
  EXPECT_EQ(From("alice"), kEverywhere);
  EXPECT_THAT(Gaps(), ElementsAre(HasSubstr("/etc/security/access.d: ")));
}

TEST_F(SshGateTest, ReadsListsAndOptionsAsTheModuleIsTold) {
  Account("account required pam_access.so fieldsep=; fieldsep=| listsep=,\n");
  Access("-|bob,alice|0.0.0.0/1\n");
  Ask();
  EXPECT_EQ(From("alice"), "128.0.0.0/1 ::/0");
}

// pam_unix ends the stack for whom it asks for another password.
TEST_F(SshGateTest, IsNotReachedWithAPasswordThatHasToBeChanged) {
  Account(
      "account [success=1 new_authtok_reqd=done default=ignore] "
      "pam_unix.so\naccount requisite pam_deny.so\n" +
      std::string(kPamAccess));
  Access("-:ALL:ALL\n");
  const auto from = [&](int64_t changed_days_ago, int64_t most_days) {
    SshPerson person = Person("alice");
    person.row.set_password_changed(std::time(nullptr) -
                                    86400 * changed_days_ago);
    person.row.set_password_max_days(most_days);
    Ask();
    return From(person, WithPam());
  };
  EXPECT_EQ(from(10, -1), "");
  EXPECT_EQ(from(10, 11), "");
  EXPECT_EQ(from(10, 9), kEverywhere);
  EXPECT_EQ(from(10, 0), kEverywhere);
  // Whose password was changed on day 0 has to change it, shadow(5).
  SshPerson person = Person("alice");
  person.row.set_password_changed(0);
  Ask();
  EXPECT_EQ(From(person, WithPam()), kEverywhere);
}

TEST_F(SshGateTest, NamesWhatKeptSomebodyOutFirst) {
  Account("account required pam_nologin.so\n" + std::string(kPamAccess));
  Access("-:alice:ALL\n");
  folder_.Write("etc/nologin", "");
  Ask();
  EXPECT_EQ(gate_->Of(Person("alice"), WithPam()).denied_by,
            "/etc/pam.d/sshd:1 pam_nologin.so: /etc/nologin is there");
  Account("account sufficient pam_nologin.so\n");
  Ask();
  EXPECT_EQ(From("alice"), kEverywhere);
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(SshGateTest, AFileThatCannotBeSeenIsNotThereAndAGap) {
  Account("account required pam_nologin.so file=/loop\n");
  folder_.Link("loop", "/loop");
  Ask();
  EXPECT_EQ(From("alice"), kEverywhere);
  EXPECT_THAT(Gaps(), ElementsAre(HasSubstr("/loop: ")));
}

TEST_F(SshGateTest, AStackThatCannotBeReadIsAGap) {
  Ask();
  EXPECT_EQ(From("alice"), kEverywhere);
  EXPECT_THAT(Gaps(), ElementsAre("PAM service sshd: its account stack could "
                                  "not be read, and may refuse more"));
}

}  // namespace
}  // namespace metsuke
