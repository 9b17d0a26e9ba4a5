#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "collectors/collector.h"
#include "collectors/ssh_listeners.h"
#include "collectors/ssh_matrix.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSshAccess(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKey[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGh"
    "scHR4f";

// What sshd says besides what a test is about.
constexpr char kUsual[] =
    "port 22\nlistenaddress 0.0.0.0:22\nlistenaddress [::]:22\nusepam yes\n"
    "pidfile /run/sshd.pid\nauthorizedkeysfile .ssh/authorized_keys\n"
    "permitemptypasswords no\ndisableforwarding no\nstrictmodes yes\n";

class SshAccess : public testing::Test {
 protected:
  SshAccess() {
    folder_.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder_.Write("usr/sbin/sshd", "");
    folder_.Write("bin/sh", "");
    folder_.Write("etc/passwd",
                  "root:x:0:0::/root:/bin/sh\ndeploy:x:1000:1000::/home/deploy:"
                  "/bin/sh\nlocked:x:1001:1001::/:/bin/sh\n");
    folder_.Write("etc/shadow",
                  "root:" + Hash() + ":1:0:99999:7:::\ndeploy:" + Hash() +
                      ":1:0:99999:7:::\nlocked:*:1:0:99999:7:::\n");
    folder_.Write("proc/stat", "btime 1\n");
    folder_.Write("etc/pam.d/sshd", "auth required pam_unix.so\n");
    folder_.Write("etc/group", "root:x:0:\ndeploy:x:1000:\n");
    Configuration("");
    Says("", "passwordauthentication no\npermitrootlogin no\n");
  }

  static std::string Hash() { return "$6$salt$" + std::string(86, 'a'); }
  void Configuration(const std::string& text) {
    folder_.Write("etc/ssh/sshd_config", text);
  }
  // What `sshd -T` says, or `sshd -T -C` for a connection.
  void Says(const std::string& connection, const std::string& lines) {
    folder_.Write("commands/%usr%sbin%sshd -T" +
                      (connection.empty() ? "" : " -C " + connection),
                  kUsual + lines);
  }

  // "account source listener method restrictions", "(…)" when not usable.
  std::vector<std::string> Rows() {
    snapshot_.Clear();
    status_ = CollectSshAccess(RecordedHost(folder_.path()), snapshot_);
    std::vector<std::string> rows;
    for (const v1::SshAccess& row : snapshot_.ssh_access()) {
      std::string text = fmt::format("{} {} {} {}{}{}", row.account(),
                                     row.source(), row.listener(), row.method(),
                                     row.restrictions().empty() ? "" : " ",
                                     row.restrictions());
      rows.push_back(row.usable() ? text : "(" + text + ")");
    }
    return rows;
  }
  std::string Why(const std::string& account) {
    for (const v1::SshAccess& row : snapshot_.ssh_access())
      if (row.account() == account) return row.why();
    return "no row";
  }

  HostFolder folder_;
  v1::Snapshot snapshot_;
  absl::Status status_;
};

TEST_F(SshAccess, SeesWhatOnlySomeConnectionsMay) {
  Configuration(
      "PasswordAuthentication no\n"
      "Match User deploy Address 203.0.113.0/24\n"
      "  PasswordAuthentication yes\n");
  Says("user=deploy,host=203.0.113.0,addr=203.0.113.0,laddr=0.0.0.0,lport=22",
       "passwordauthentication yes\npermitrootlogin no\n");
  EXPECT_THAT(Rows(), ElementsAre("deploy 203.0.113.0/24 *:22 password"));
  EXPECT_EQ(Why("deploy"), "/etc/ssh/sshd_config:3 passwordauthentication yes");
  EXPECT_EQ(snapshot_.ssh_access(0).daemon(), "not_running");
}

TEST_F(SshAccess, AnAccountNeedsWhatTheMethodTakes) {
  Says("",
       "passwordauthentication yes\npubkeyauthentication yes\n"
       "permitrootlogin without-password\n");
  folder_.Write("home/deploy/.ssh/authorized_keys",
                std::string("from=\"10.0.0.0/8\" ") + kKey + "\n" +
                    "command=\"backup\" " + kKey + "\n");
  EXPECT_THAT(Rows(),
              testing::UnorderedElementsAre(
                  "(root any *:22 publickey)", "deploy any *:22 password",
                  "deploy 10.0.0.0/8 *:22 publickey",
                  "deploy any *:22 publickey forced command backup",
                  "(locked any *:22 password)", "(locked any *:22 publickey)",
                  "(* any *:22 password)", "(* any *:22 publickey)"));
  EXPECT_EQ(Why("deploy"), "default passwordauthentication yes");
}

TEST_F(SshAccess, AllowAndDenyUsersCutTheSources) {
  Says("",
       "passwordauthentication yes\npermitrootlogin yes\n"
       "allowusers root@192.0.2.0/24,!192.0.2.7\nallowusers deploy\n"
       "denyusers deploy@2001:db8::/32\n");
  EXPECT_THAT(Rows(),
              testing::AllOf(Contains("root 192.0.2.0/30 *:22 password"),
                             Contains("root 192.0.2.128/25 *:22 password"),
                             Not(Contains(HasSubstr("192.0.2.7 "))),
                             Contains("deploy 0.0.0.0/0 *:22 password"),
                             Contains("deploy 8000::/1 *:22 password"),
                             Not(Contains("deploy any *:22 password")),
                             Not(Contains(HasSubstr("locked"))),
                             Not(Contains(HasSubstr("*  ")))));
}

TEST_F(SshAccess, StepsAreAllAskedFor) {
  Says("",
       "passwordauthentication yes\npubkeyauthentication yes\n"
       "kbdinteractiveauthentication no\npermitrootlogin yes\n"
       "authenticationmethods publickey,password\n"
       "authenticationmethods keyboard-interactive\n");
  folder_.Write("home/deploy/.ssh/authorized_keys", std::string(kKey) + "\n");
  EXPECT_THAT(Rows(), testing::UnorderedElementsAre(
                          "(root any *:22 publickey,password)",
                          "deploy any *:22 publickey,password",
                          "(locked any *:22 publickey,password)",
                          "(* any *:22 publickey,password)"));
}

TEST_F(SshAccess, RootIsHeldToPermitRootLogin) {
  folder_.Write("root/.ssh/authorized_keys", std::string(kKey) + "\n");
  const auto root = [&](const char* word) {
    Says("",
         "passwordauthentication yes\npubkeyauthentication yes\n"
         "permitrootlogin " +
             std::string(word) + "\n");
    std::string rows;
    for (const std::string& row : Rows())
      if (row.find("root any") != row.npos) rows += row + ";";
    return rows;
  };
  EXPECT_EQ(root("no"), "");
  EXPECT_EQ(root("yes"), "root any *:22 password;root any *:22 publickey;");
  EXPECT_EQ(root("without-password"), "root any *:22 publickey;");
  EXPECT_EQ(root("forced-commands-only"), "(root any *:22 publickey);");
}

TEST_F(SshAccess, AShellThatLetsNobodyWorkLeavesForwarding) {
  folder_.Write("etc/passwd", "deploy:x:1000:1000::/:/usr/sbin/nologin\n");
  folder_.Write("usr/sbin/nologin", "");
  Says("", "passwordauthentication yes\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password the shell is "
                               "/usr/sbin/nologin"));
  Says("",
       "passwordauthentication yes\nallowtcpforwarding no\n"
       "allowstreamlocalforwarding no\nsubsystem sftp internal-sftp\n");
  EXPECT_THAT(Rows(), Contains(StartsWith("deploy any *:22 password")));
  Says("", "passwordauthentication yes\nallowtcpforwarding no\n"
           "allowstreamlocalforwarding no\n");
  EXPECT_THAT(Rows(), Contains(StartsWith("(deploy any *:22 password")));
  folder_.Write("etc/passwd", "deploy:x:1000:1000::/:/gone\n");
  Says("", "passwordauthentication yes\n");
  EXPECT_THAT(Rows(), Contains(StartsWith("(deploy any *:22 password")));
}

TEST_F(SshAccess, AnExpiredAccountGetsNowhere) {
  Says("", "passwordauthentication yes\npermitrootlogin no\n");
  folder_.Write("etc/shadow", "deploy:" + Hash() + ":1:0:99999:7::100:\n");
  EXPECT_THAT(Rows(), Contains("(deploy any *:22 password)"));
}

TEST_F(SshAccess, WhatOtherSystemsKnowCounts) {
  folder_.Write("etc/pam.d/common-auth",
                "auth [success=1 default=ignore] pam_unix.so nullok\n"
                "auth requisite pam_deny.so\nauth required pam_permit.so\n");
  folder_.Write("etc/pam.d/sshd", "# PAM\n@include common-auth\n"
                                  "account required pam_radius_auth.so\n");
  Says("", "passwordauthentication yes\npermitrootlogin no\n");
  EXPECT_THAT(Rows(), Contains("(locked any *:22 password)"));
  folder_.Write("etc/pam.d/sshd", "auth sufficient /lib/security/pam_radius.so\n"
                                  "@include common-auth\n");
  EXPECT_THAT(Rows(), Contains("locked any *:22 password"));
  folder_.Write("etc/pam.d/sshd", "@include gone\n");
  EXPECT_THAT(Rows(), Contains("locked any *:22 password"));
  folder_.Write("etc/pam.d/sshd", "@include common-auth\n");
  EXPECT_THAT(Rows(), Contains("(locked any *:22 password)"));
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  Says("", "passwordauthentication yes\nkerberosauthentication yes\n");
  EXPECT_THAT(Rows(), Contains("locked any *:22 password"));
  folder_.Write("etc/nsswitch.conf", "passwd: files systemd\ngroup: files sss\n");
  Rows();
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_THAT(snapshot_.gaps(0).reason(), HasSubstr("group: sss"));
}

TEST_F(SshAccess, PamAccessCutsTheSources) {
  const std::string shared =
      "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
      "account requisite pam_deny.so\naccount required pam_permit.so\n";
  folder_.Write("etc/pam.d/common-account", shared);
  folder_.Write("etc/pam.d/sshd",
                "auth required pam_unix.so\n@include common-account\n"
                "account required pam_access.so\n");
  folder_.Write("etc/security/access.conf", "+:root:192.0.2.0/24\n");
  folder_.Write("etc/security/access.d/5.conf", "-:ALL EXCEPT (deploy):ALL\n");
  folder_.Write("etc/shadow",
                "root:" + Hash() + ":19000:0:99999:7:::\ndeploy:" + Hash() +
                    ":19000:0:99999:7:::\nlocked:*:19000:0:99999:7:::\n");
  Says("", "passwordauthentication yes\npermitrootlogin yes\n");
  EXPECT_THAT(Rows(), testing::UnorderedElementsAre(
                          "root 192.0.2.0/24 *:22 password",
                          "deploy any *:22 password",
                          "(locked any *:22 password)",
                          "(* any *:22 password)"));
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  EXPECT_EQ(Why("root"),
            "default passwordauthentication yes; default permitrootlogin yes; "
            "/etc/security/access.conf:1 + : root : 192.0.2.0/24");
  EXPECT_EQ(Why("locked"),
            "default passwordauthentication yes; /etc/security/access.d/5.conf:1 "
            "- : ALL EXCEPT (deploy) : ALL");
  Says("", "usepam no\n");
  folder_.Write("commands/%usr%sbin%sshd -T",
                "listenaddress 0.0.0.0:22\nusepam no\npermitrootlogin yes\n"
                "passwordauthentication yes\n");
  EXPECT_THAT(Rows(), Contains("root any 0.0.0.0:22 password"));
  Says("", "passwordauthentication yes\npermitrootlogin yes\n");

  // Other files, and lines that let one pass.
  const auto with = [&](const std::string& account) {
    folder_.Write("etc/pam.d/sshd", "auth required pam_unix.so\n" + account);
    return Rows();
  };
  folder_.Write("etc/access", "-|root|ALL\n");
  EXPECT_THAT(with("account required /lib/pam_access.so accessfile=/etc/access "
                   "[fieldsep=|]\n"),
              testing::AllOf(Contains("(root any *:22 password)"),
                             Contains("deploy any *:22 password")));
  for (const char* passed :
       {"account sufficient pam_unix.so\naccount required pam_access.so\n",
        "account [success=1 default=ignore] pam_unix.so\n"
        "account required pam_access.so\n",
        "account [perm_denied=ignore default=die] pam_access.so\n",
        "account required pam_access.so accessfile=/gone\n"}) {
    EXPECT_THAT(with(passed), Contains("root any *:22 password")) << passed;
    EXPECT_EQ(snapshot_.gaps_size(), 1) << passed;
  }
  EXPECT_THAT(with("account optional pam_access.so\n"),
              Contains("root any *:22 password"));
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  EXPECT_THAT(with("account [success=ok default=die] pam_access.so\n"),
              Contains("root 192.0.2.0/24 *:22 password"));
  EXPECT_THAT(with("@include gone\n"), Contains("root any *:22 password"));
  EXPECT_EQ(snapshot_.gaps_size(), 1);
  // A password that has to be changed ends the stack before.
  folder_.Write("etc/shadow", "root:" + Hash() + ":0:0:99999:7:::\n");
  EXPECT_THAT(with(shared + "account required pam_access.so\n"),
              Contains("root any *:22 password"));
  EXPECT_EQ(snapshot_.gaps_size(), 1);
}

TEST_F(SshAccess, PamLinesAreReadAsPamReadsThem) {
  folder_.Write("etc/security/access.conf", "-:root:ALL\n");
  Says("", "passwordauthentication yes\npermitrootlogin yes\n");
  const auto with = [&](const std::string& account) {
    folder_.Write("etc/pam.d/sshd", "auth required pam_unix.so\n" + account);
    return Rows();
  };
  for (const char* line : {"-account required pam_access.so\n",
                           "account requisite pam_access.so\n",
                           "account required \\\n  pam_access.so\n"})
    EXPECT_THAT(with(line), Contains("(root any *:22 password)")) << line;
  boost::filesystem::remove(folder_.path() / "etc/pam.d/sshd");
  folder_.Write("usr/lib/pam.d/sshd", "auth required pam_unix.so\n"
                                      "account required pam_access.so\n");
  EXPECT_THAT(Rows(), Contains("(root any *:22 password)"));
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  // Each of several lines takes away what it refuses.
  folder_.Write("etc/a", "-:root:192.0.2.0/25\n");
  folder_.Write("etc/b", "-:root:ALL EXCEPT 192.0.2.0/24\n");
  EXPECT_THAT(with("account required pam_access.so accessfile=/etc/a\n"
                   "account required pam_access.so accessfile=/etc/b\n"),
              testing::AllOf(Contains("root 192.0.2.128/25 *:22 password"),
                             Not(Contains("root 192.0.2.0/24 *:22 password"))));
  folder_.Write("etc/group", "root:x:0:\nops:x:7:root\n");
  folder_.Write("etc/security/access.conf", "-:ops:ALL\n");
  EXPECT_THAT(with("account required pam_access.so\n"),
              Contains("(root any *:22 password)"));
  EXPECT_THAT(with("account required pam_access.so nodefgroup\n"),
              Contains("root any *:22 password"));
  // A module that lets everybody pass, with nothing that refuses before it.
  folder_.Write("etc/pam.d/sshd", "auth required pam_permit.so\n");
  EXPECT_THAT(Rows(), Contains("locked any *:22 password"));
}

TEST_F(SshAccess, KeysAreAlsoWhatACommandTellsAndWhatACommandIsForcedOn) {
  const std::string usual = "pubkeyauthentication yes\n";
  Says("", usual + "authorizedkeyscommand /bin/keys\npermitrootlogin no\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 publickey a key that /bin/keys "
                               "tells"));
  folder_.Write("root/.ssh/authorized_keys", std::string(kKey) + "\n");
  Says("", usual + "permitrootlogin forced-commands-only\n"
                   "forcecommand /bin/backup\n");
  EXPECT_THAT(Rows(), Contains(StartsWith("root any *:22 publickey")));
}

TEST_F(SshAccess, PeopleThatAreNotAmongTheRowsAreSaidToBeMissing) {
  const auto gaps = [&] {
    Rows();
    std::vector<std::string> said;
    for (const v1::Gap& gap : snapshot_.gaps())
      said.push_back(gap.subject() + ": " + gap.reason());
    return said;
  };
  Says("", "passwordauthentication yes\npermitrootlogin no\n");
  folder_.Write("etc/nsswitch.conf",
                "passwd: files [NOTFOUND = return] ldap\n"
                "initgroups: files sss # groups\n");
  EXPECT_THAT(gaps(), ElementsAre(HasSubstr("passwd: ldap"),
                                  HasSubstr("initgroups: sss")));
  boost::filesystem::remove(folder_.path() / "etc/nsswitch.conf");
  folder_.Write("etc/passwd", "root:x:0:0::/root:/bin/sh\n"
                              "toor:x:0:0::/root:/bin/sh\n"
                              "a,b:x:1000:1000::/:/bin/sh\n+::::::\n");
  EXPECT_THAT(gaps(), testing::UnorderedElementsAre(
                          HasSubstr("NIS"), HasSubstr("a,b: an account with")));
  // Whatever its name, an account of number 0 is root to sshd.
  EXPECT_THAT(Rows(), Not(Contains(HasSubstr("toor"))));
}

TEST_F(SshAccess, NologinKeepsAllOutButRoot) {
  folder_.Write("etc/pam.d/sshd", "auth required pam_unix.so\n"
                                  "account required pam_nologin.so\n");
  Says("", "passwordauthentication yes\npermitrootlogin yes\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
  for (const char* file : {"etc/nologin", "var/run/nologin"}) {
    folder_.Write(file, "");
    EXPECT_THAT(Rows(), testing::AllOf(Contains("(deploy any *:22 password)"),
                                       Contains("root any *:22 password")));
    EXPECT_EQ(Why("deploy"),
              fmt::format("default passwordauthentication yes; "
                          "/etc/pam.d/sshd:2 pam_nologin.so: /{} is there",
                          file));
    boost::filesystem::remove(folder_.path() / file);
  }
  folder_.Write("etc/nologin", "");
  folder_.Write("etc/pam.d/sshd", "auth required pam_unix.so\n"
                                  "account required pam_nologin.so file=/x\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
  // sshd itself refuses but the session.
  const auto without_pam = [&](const std::string& lines) {
    folder_.Write("commands/%usr%sbin%sshd -T",
                  "listenaddress 0.0.0.0:22\nusepam no\npermitrootlogin yes\n"
                  "passwordauthentication yes\n" + lines);
    return Rows();
  };
  EXPECT_THAT(without_pam(""),
              testing::AllOf(Contains("deploy any 0.0.0.0:22 password forwarding "
                                      "alone while /etc/nologin is there"),
                             Contains("root any 0.0.0.0:22 password")));
  EXPECT_THAT(without_pam("disableforwarding yes\n"),
              Contains("(deploy any 0.0.0.0:22 password)"));
}

TEST_F(SshAccess, WhatUsersWriteHidesNothing) {
  Says("", "passwordauthentication no\npubkeyauthentication yes\n"
           "pubkeyacceptedalgorithms ssh-ed25519-cert-v01@openssh.com\n");
  std::string list = "x";
  while (list.size() < 5000) list += ",x";
  const auto keys = [&](const std::string& options) {
    folder_.Write("home/deploy/.ssh/authorized_keys", options + " " + kKey);
    return Rows();
  };
  EXPECT_THAT(keys(""), Contains("(deploy any *:22 publickey)"));
  EXPECT_THAT(keys("cert-authority"),
              Contains("deploy any *:22 publickey a certificate signed by that "
                       "key with the principal deploy"));
  EXPECT_THAT(keys("cert-authority,command=\",principals=\\\"x\\\"\","
                   "Principals=\"ops,web\""),
              Contains(HasSubstr("with one of the principals ops, web")));
  EXPECT_THAT(keys("cert-authority,from=\"" + list + ",*\""),
              Contains(StartsWith("deploy any *:22 publickey")));
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_THAT(snapshot_.gaps(0).columns(), ElementsAre("source"));
  EXPECT_THAT(keys("cert-authority,from=\"2001:DB8:*\""),
              Contains(StartsWith("deploy 2001:db8::/32 *:22 publickey")));
  boost::filesystem::remove(folder_.path() /
                            "home/deploy/.ssh/authorized_keys");
  folder_.Link("home/deploy/.ssh/authorized_keys", "/etc/shadow");
  EXPECT_THAT(Rows(),
              Contains(StartsWith("deploy any *:22 publickey keys in ")));
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_THAT(snapshot_.gaps(0).columns(), ElementsAre("restrictions", "why"));
}

TEST_F(SshAccess, CertificatesNeedAPrincipal) {
  const auto rows = [&](const std::string& lines) {
    Says("", "pubkeyauthentication yes\ntrustedusercakeys /ca\n"
             "authorizedkeysfile none\npermitrootlogin no\n" + lines);
    std::string with;
    for (const std::string& row : Rows())
      if (row.find("deploy any") != row.npos) with = row;
    return with;
  };
  const std::string file = "authorizedprincipalsfile %h/principals\n";
  const std::string by = "deploy any *:22 publickey a certificate signed by /ca "
                         "with ";
  EXPECT_EQ(rows("authorizedprincipalsfile none\n"),
            by + "the principal deploy");
  EXPECT_EQ(rows(file), "(deploy any *:22 publickey)");
  folder_.Write("home/deploy/principals", "# none\n\n");
  EXPECT_EQ(rows(file), "(deploy any *:22 publickey)");
  folder_.Write("home/deploy/principals", "ops # all\n from=\"10.*\"  web\n");
  EXPECT_EQ(rows(file), by + "one of the principals ops, web (from=\"10.*\") of "
                             "/home/deploy/principals");
  EXPECT_EQ(rows(file + "authorizedprincipalscommand /bin/tell %u\n"),
            by + "one of the principals ops, web (from=\"10.*\") of "
                 "/home/deploy/principals or a principal that /bin/tell %u "
                 "tells");
  EXPECT_EQ(rows("authorizedprincipalscommand /bin/tell\n"),
            by + "a principal that /bin/tell tells");
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  folder_.Write("attributes", "666 0 0 1 /home/deploy/principals\n");
  EXPECT_EQ(rows(file), "(deploy any *:22 publickey)");
  boost::filesystem::remove(folder_.path() / "home/deploy/principals");
  folder_.Link("home/deploy/principals", "/etc/shadow");
  EXPECT_EQ(rows(file), by + "a principal in /home/deploy/principals");
  EXPECT_EQ(snapshot_.gaps_size(), 1);
}

TEST_F(SshAccess, AGroupIsWhatItsNumberIsCalledFirst) {
  folder_.Write("etc/group", "admins:x:7:\nalias:x:7:deploy\n");
  Says("", "passwordauthentication yes\nallowgroups admins\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
  Says("", "passwordauthentication yes\nallowgroups alias\n");
  EXPECT_THAT(Rows(), Not(Contains(HasSubstr("deploy"))));
}

TEST_F(SshAccess, TooManyNetworksAreSaidToBeAny) {
  std::string holes;
  for (int i = 1; i <= 20; ++i)
    holes += fmt::format("denyusers *@2001:db8:{:x}::{:x}\n", i * 977, i);
  Says("", "passwordauthentication yes\npermitrootlogin no\n" + holes);
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
  ASSERT_GT(snapshot_.gaps_size(), 0);
  EXPECT_THAT(snapshot_.gaps(0).columns(), ElementsAre("source"));
}

TEST_F(SshAccess, WithNamesOfClientsAPatternMayMeanAnybody) {
  Says("", "passwordauthentication yes\nusedns yes\npermitrootlogin no\n"
           "allowusers deploy@build.example.com\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
  EXPECT_EQ(snapshot_.gaps_size(), 1);
  Says("", "passwordauthentication yes\nusedns no\npermitrootlogin no\n"
           "allowusers deploy@build.example.com\n");
  EXPECT_THAT(Rows(), Not(Contains(HasSubstr("deploy"))));
}

TEST_F(SshAccess, WhatIsBrokenIsSaidInSshdsWords) {
  folder_.Write("commands/%usr%sbin%sshd -T.error",
                "/etc/ssh/sshd_config line 3: Bad configuration option");
  boost::filesystem::remove(folder_.path() / "commands/%usr%sbin%sshd -T");
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(std::string(status_.message()), HasSubstr("line 3"));
  boost::filesystem::remove(folder_.path() / "usr/sbin/sshd");
  Rows();
  EXPECT_TRUE(IsAbsent(status_));
}

TEST_F(SshAccess, OfWhatCannotBeToldAsNetworksSshdIsAskedBothWays) {
  Configuration(
      "X11Forwarding no\nMatch User deploy Address 10.0.0.0/8,2*7\n"
      "PasswordAuthentication yes\n");
  const auto at = [](const std::string& address) {
    return fmt::format("user=deploy,host={0},addr={0},laddr=0.0.0.0,lport=22",
                       address);
  };
  Says(at("10.0.0.0"), "passwordauthentication yes\npermitrootlogin no\n");
  Says(at("20.0.0.7"), "passwordauthentication yes\npubkeyauthentication no\n");
  Rows();
  ASSERT_TRUE(status_.ok()) << status_;
  // All but fe80::/10, whose text begins otherwise.
  EXPECT_THAT(Rows(), testing::AllOf(Contains("deploy 0.0.0.0/0 *:22 password"),
                                     Contains("deploy ff00::/8 *:22 password"),
                                     Not(Contains(HasSubstr("fe80:")))));
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_THAT(snapshot_.gaps(0).reason(),
              HasSubstr("/etc/ssh/sshd_config:2 Match User deploy Address "
                        "10.0.0.0/8,2*7: "));
  EXPECT_EQ(Why("deploy"), "/etc/ssh/sshd_config:3 passwordauthentication yes");
}

TEST_F(SshAccess, RefusedConnectionsLeadNowhere) {
  Says("", "passwordauthentication yes\nrefuseconnection yes\n");
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_TRUE(status_.ok());
  Says("", "passwordauthentication yes\nrefuseconnection no\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
  Configuration("Match Address 10.0.0.0/8\nRefuseConnection yes\n");
  Says("user=root,host=10.0.0.0,addr=10.0.0.0,laddr=0.0.0.0,lport=22",
       "passwordauthentication yes\nrefuseconnection yes\n");
  EXPECT_THAT(Rows(), testing::AllOf(Contains("deploy 11.0.0.0/8 *:22 password"),
                                     Not(Contains(HasSubstr(" 10.")))));
}

TEST_F(SshAccess, WhichAtBeginsAHostIsAMatterOfTheRelease) {
  Says("", "passwordauthentication yes\nallowusers deploy@10.0.0.0/8@x\n");
  EXPECT_THAT(Rows(), IsEmpty());
  folder_.Write("etc/passwd", "a@b:x:1000:1000::/:/bin/sh\n");
  folder_.Write("etc/shadow", "a@b:" + Hash() + ":1:0:99999:7:::\n");
  const std::string rows = "passwordauthentication yes\nallowusers a@b@10.*\n";
  Says("", rows);
  EXPECT_THAT(Rows(), IsEmpty());
  Says("", rows + "refuseconnection no\n");
  EXPECT_THAT(Rows(), ElementsAre("a@b 10.0.0.0/8 *:22 password"));
}

TEST_F(SshAccess, ForABlockAboutAPortSshdIsToldOne) {
  Configuration("Match LocalPort 65535\nX11Forwarding no\n");
  Says("lport=65534", "passwordauthentication yes\n");
  EXPECT_THAT(Rows(), Contains("deploy any *:22 password"));
}

// Many accounts and blocks that all differ.
TEST(SshMatrixBounds, AHostileConfigurationIsAskedAboutSoOftenAndNoMore) {
  SshdFiles files;
  std::vector<SshAccount> accounts;
  for (int i = 0; i < 200; ++i) {
    SshdBlock block;
    block.tests = {{"user", fmt::format("*{}*", i)},
                   {"address", fmt::format("10.{}.0.0/{}", i, 9 + i % 20)}};
    block.criteria = "x";
    files.blocks.push_back(block);
    files.lines.push_back(
        {files.blocks.size() - 1, "passwordauthentication", "yes", "/f", i});
  }
  for (int i = 0; i < 500; ++i)
    accounts.push_back({fmt::format("user{}", i), {}, true, false});
  SshListener listener;
  listener.sources = AddressSet::All(false);
  int asked = 0;
  const auto matrix = MakeSshMatrix(
      files, accounts, {listener}, {},
      [&](const SshQuestion&) -> absl::StatusOr<SshdSettings> {
        ++asked;
        return SshdSettings();
      },
      100);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(asked, 100);
  ASSERT_EQ(matrix->problems.size(), 1u);
  EXPECT_THAT(matrix->problems[0], HasSubstr("were left out"));
}

TEST(SshMatrixBounds, OneGroupThatIsDeniedOutweighsTheOthers) {
  SshdFiles files;
  files.blocks.push_back({{{"group", "*,!wheel"}}, "Group *,!wheel"});
  files.lines.push_back({1, "passwordauthentication", "yes", "/f", 2});
  SshListener listener;
  listener.sources = AddressSet::All(false);
  std::string asked;
  const auto matrix = MakeSshMatrix(
      files,
      {{"alice", {"ops", "wheel"}, true, false}, {"bob", {"ops"}, true, false}},
      {listener}, {},
      [&](const SshQuestion& question) -> absl::StatusOr<SshdSettings> {
        asked += question.user + " ";
        return SshdSettings();
      },
      10);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(asked, "bob ");
  EXPECT_EQ(matrix->cells[0][0].kind, 0u);
  EXPECT_EQ(matrix->cells[1][0].kind, 1u);
}

TEST(SshListeners, AreAsManyAsBlocksCanTellApart) {
  const SshdSettings settings = {
      {"listenaddress", "0.0.0.0:22"},
      {"listenaddress", "[::]:22"},
      {"listenaddress", "192.0.2.9:2222"},
      {"listenaddress", "0.0.0.0:23 rdomain \"blue\""},
      {"port", "22"}};
  const auto names = [&](const SshdFiles& files) {
    std::vector<std::string> names;
    for (const SshListener& listener : SshListeners(
             settings, files,
             {*ParseIpAddress("192.0.2.1"), *ParseIpAddress("192.0.2.9"),
              *ParseIpAddress("198.51.100.1"), *ParseIpAddress("::1")}))
      names.push_back(listener.name);
    return names;
  };
  SshdFiles files;
  EXPECT_THAT(names(files),
              ElementsAre("*:22", "192.0.2.9:2222", "0.0.0.0:23"));
  files.blocks.push_back({{{"localaddress", "198.51.100.0/24"}}, "x"});
  EXPECT_THAT(names(files),
              ElementsAre("0.0.0.0:22", "198.51.100.1:22", "[::]:22",
                          "192.0.2.9:2222", "0.0.0.0:23", "198.51.100.1:23"));
}

}  // namespace
}  // namespace metsuke
