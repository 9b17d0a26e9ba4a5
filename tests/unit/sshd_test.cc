#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include <map>

#include "collectors/collector.h"
#include "collectors/sshd_config.h"
#include "collectors/sshd_daemon.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSshdOptions(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Arguments(std::string text) {
  for (char& c : text)
    if (c == '|') c = '\0';
  return text;
}

TEST(SshdCommand, IsReadFromTheTitleOfTheListener) {
  const auto plain = ParseSshdCommand(
      "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups" +
      std::string(30, '\0'));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->config, "/etc/ssh/sshd_config");
  EXPECT_THAT(plain->options, IsEmpty());

  const auto full = ParseSshdCommand(
      "sshd: /usr/sbin/sshd -D -f /etc/ssh/other -oPort=2222 -o AllowUsers a b "
      "-p22 -4 -De [listener] 1 of 10-100 startups");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->config, "/etc/ssh/other");
  EXPECT_THAT(full->options, ElementsAre("-o", "Port=2222", "-o",
                                         "AllowUsers a b", "-p", "22", "-4"));
  EXPECT_THAT(full->keywords, ElementsAre("addressfamily", "allowusers",
                                          "listenaddress", "port"));
}

TEST(SshdCommand, IsReadFromArguments) {
  const auto command = ParseSshdCommand(
      Arguments("/usr/sbin/sshd|-D|-o|PermitRootLogin yes|-h|/k|-g|30|-c|/c|"
                "-E|/var/log/x|-t||"));
  ASSERT_TRUE(command);
  EXPECT_THAT(command->options, ElementsAre("-o", "PermitRootLogin yes", "-h",
                                            "/k", "-g", "30", "-c", "/c"));
  EXPECT_THAT(command->keywords,
              ElementsAre("hostcertificate", "hostkey", "logingracetime",
                          "permitrootlogin"));
  EXPECT_TRUE(ParseSshdCommand(Arguments("/usr/sbin/sshd")));
}

TEST(SshdCommand, IsUnknownWhenItCannotBeRead) {
  for (const char* text :
       {"sshd: /usr/sbin/sshd -D -o AllowUs",  // the title was cut off
        "/usr/sbin/sshd|-f|relative",          // to a folder unknown to us
        "/usr/sbin/sshd|-Z", "/usr/sbin/sshd|word", "/usr/sbin/sshd|-o",
        "/usr/sbin/sshd|-p", "/usr/sbin/sshd|-f", "/usr/sbin/sshd|-"})
    EXPECT_FALSE(ParseSshdCommand(Arguments(text))) << text;
}

TEST(SshdFiles, FollowIncludesAndSeeMatchBlocks) {
  HostFolder folder;
  folder.Write("etc/ssh/sshd_config",
               "# Include /commented\n"
               "include sshd_config.d/*.conf\n"
               "Include=\"/etc/with blank\" /etc/missing # /etc/not\n"
               "Match User bob\n  AuthorizedKeysFile /keys/%u\n"
               "  Include matched.conf\n"
               "Match all\nStrictModes no\n");
  folder.Write("etc/ssh/sshd_config.d/50.conf",
               "INCLUDE /etc/ssh/sshd_config\n");
  folder.Write("etc/ssh/sshd_config.d/10.conf", "Port 22\n");
  folder.Write("etc/ssh/sshd_config.d/.hidden.conf", "");
  folder.Write("etc/ssh/sshd_config.d/note.txt", "Include /etc/no\n");
  folder.Write("etc/ssh/matched.conf", "TrustedUserCAKeys /ca\n");
  folder.Write("etc/with blank",
               "\xff\xfe \"open\nInclude\nMatch\nInclude \"x");
  const SshdFiles files =
      FindSshdFiles(RecordedHost(folder.path()), "/etc/ssh/sshd_config");
  EXPECT_THAT(
      files.paths,
      ElementsAre("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d",
                  "/etc/ssh/sshd_config.d/10.conf",
                  "/etc/ssh/sshd_config.d/50.conf", "/etc/with blank",
                  "/etc/ssh/x", "/etc/missing", "/etc/ssh/matched.conf"));
  std::set<std::string> matched;
  for (const SshdLine& line : files.lines)
    if (line.block != 0)
      matched.insert(fmt::format("{} {} ({}) {}:{}", line.keyword, line.value,
                                 files.blocks[line.block].criteria, line.path,
                                 line.number));
  EXPECT_THAT(matched,
              ElementsAre("authorizedkeysfile /keys/%u (User bob) "
                          "/etc/ssh/sshd_config:5",
                          "strictmodes no (all) /etc/ssh/sshd_config:8",
                          "trustedusercakeys /ca (User bob) "
                          "/etc/ssh/matched.conf:1"));
}

TEST(SshdFiles, HaveTheirWordsCutAsSshdDoes) {
  HostFolder folder;
  folder.Write("etc/ssh/sshd_config",
               "Match User=\"b b\" Address= 10.0.0.0/8\nX 1\n"
               "Match user = bob group =ops\f\nX 2\n"
               "Match \"User\" 'alice' Invalid-User\nX 3\n"
               "Include 'a b'\nMatch all # User\nX 5\n");
  folder.Write("etc/ssh/a b", "Match LocalPort 22\nX 4\nMatch All\nX 5\n");
  const SshdFiles files =
      FindSshdFiles(RecordedHost(folder.path()), "/etc/ssh/sshd_config");
  std::vector<std::string> lines;
  for (const SshdLine& line : files.lines) {
    std::string text = line.value + ":";
    for (const auto& [attribute, argument] : files.blocks[line.block].tests)
      text += fmt::format(" {}={}", attribute, argument);
    lines.push_back(text);
  }
  EXPECT_THAT(
      lines,
      ElementsAre("1: user=b b address=10.0.0.0/8", "2: user=bob group=ops",
                  "3: user=alice invalid-user=",
                  "4: user=alice invalid-user= localport=22",
                  "5: user=alice invalid-user=", "5:"));
}

TEST(SshdFiles, EndInALoopOfIncludes) {
  HostFolder folder;
  folder.Write("etc/ssh/sshd_config", "Include *\nInclude ../ssh/*/*/*\n");
  folder.Link("etc/ssh/loop", "/etc/ssh");
  EXPECT_LT(FindSshdFiles(RecordedHost(folder.path()), "/etc/ssh/sshd_config")
                .paths.size(),
            2000u);
}

TEST(SshdSettings, AreTheLinesOfTheTest) {
  EXPECT_THAT(
      ParseSshdSettings("Port 22\nacceptenv LANG LC_*\n\nforcecommand\n"),
      ElementsAre(Pair("port", "22"), Pair("acceptenv", "LANG LC_*"),
                  Pair("forcecommand", "")));
}

constexpr int64_t kBooted = 1'700'000'000;

// A host with sshd; what runs is added by the tests.
class SshdHost {
 public:
  SshdHost() {
    folder_.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder_.Write("usr/sbin/sshd", "");
    folder_.Write("etc/ssh/sshd_config", "PasswordAuthentication no\n");
    folder_.Write("proc/stat",
                  "cpu 1\nbtime " + std::to_string(kBooted) + "\n");
    folder_.Write("commands/%usr%sbin%sshd -T",
                  "port 22\nport 2222\nport 22\npidfile /run/sshd.pid\n");
    Attributes(kBooted - 100);
  }

  // When the configuration was changed.
  void Attributes(int64_t changed, const std::string& more = "") {
    folder_.Write("attributes", "644 0 0 " + std::to_string(changed) +
                                    " /etc/ssh/sshd_config\n" + more);
  }

  // A process that started 100 s after boot.
  void Process(int pid, int parent, const std::string& cmdline,
               const std::string& uid = "0", const std::string& ns = "",
               const std::string& exe = "/usr/sbin/sshd") {
    const std::string dir = "proc/" + std::to_string(pid) + "/";
    folder_.Write(dir + "comm", "sshd\n");
    folder_.Write(dir + "status",
                  "Name:\tsshd\nPPid:\t" + std::to_string(parent) + "\nUid:\t" +
                      uid + "\t" + uid + "\t" + uid + "\t" + uid +
                      "\nNSpid:\t" + std::to_string(pid) + ns + "\n");
    folder_.Write(dir + "stat",
                  std::to_string(pid) +
                      " (a) R ) S 1 1 1 0 -1 4194560 1 1 1 1 0 0 0 0 20 0 1 0 "
                      "10000 15 1 18\n");
    folder_.Write(dir + "cmdline", cmdline);
    folder_.Link(dir + "exe", exe);
  }

  HostFolder& folder() { return folder_; }

  absl::Status Collect() {
    snapshot_.Clear();
    return CollectSshdOptions(RecordedHost(folder_.path()), snapshot_);
  }
  const v1::Snapshot& snapshot() const { return snapshot_; }

  // "port 22 same, …"
  std::string Ports() {
    const absl::Status status = Collect();
    if (!status.ok()) return status.ToString();
    std::string text;
    for (const v1::SshdOption& row : snapshot_.sshd_options())
      if (row.keyword() == "port")
        text += (text.empty() ? "" : ", ") + row.value() + " " + row.daemon();
    return text;
  }

 private:
  HostFolder folder_;
  v1::Snapshot snapshot_;
};

constexpr char kTitle[] =
    "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups";

TEST(SshdOptions, SayWhetherTheDaemonAppliesThem) {
  SshdHost host;
  EXPECT_EQ(host.Ports(), "22 not_running, 2222 not_running");
  host.Process(700, 1, kTitle);
  EXPECT_EQ(host.Ports(), "22 same, 2222 same");
  host.Attributes(kBooted + 102);
  EXPECT_EQ(host.Ports(), "22 stale, 2222 stale");
  // A reload keeps the process and writes the pid file anew.
  host.folder().Write("run/sshd.pid", "700\n");
  host.Attributes(kBooted + 102, "644 0 0 " + std::to_string(kBooted + 200) +
                                     " /run/sshd.pid\n");
  EXPECT_EQ(host.Ports(), "22 same, 2222 same");
  host.folder().Write("run/sshd.pid", "701\n");
  EXPECT_EQ(host.Ports(), "22 stale, 2222 stale");
}

TEST(SshdOptions, OfMatchBlocksNameTheirCriteria) {
  SshdHost host;
  host.folder().Write("etc/ssh/sshd_config",
                      "PasswordAuthentication no\n"
                      "Match  User backup Address 10.0.0.0/8\n"
                      "  PasswordAuthentication YES\n"
                      "  AuthenticationMethods publickey,password any\n"
                      "Match all\nX11Forwarding no\n");
  host.Process(700, 1, kTitle);
  EXPECT_EQ(host.Ports(), "22 same, 2222 same");
  std::string rows;
  for (const v1::SshdOption& row : host.snapshot().sshd_options())
    if (!row.criteria().empty())
      rows += fmt::format("{} {} ({}, {})\n", row.keyword(), row.value(),
                          row.criteria(), row.daemon());
  EXPECT_EQ(rows,
            "authenticationmethods publickey,password any "
            "(User backup Address 10.0.0.0/8, same)\n"
            "passwordauthentication yes "
            "(User backup Address 10.0.0.0/8, same)\n");
}

TEST(SshdOptions, ThatTheCommandLineSetsSaySo) {
  SshdHost host;
  host.Process(700, 1,
               "sshd: /usr/sbin/sshd -D -p 2022 -o AuthorizedKeysFile /k "
               "[listener] 0 of 10-100 startups");
  host.folder().Write(
      "commands/%usr%sbin%sshd -T -p 2022 -o AuthorizedKeysFile %k",
      "port 2022\nauthorizedkeysfile /k\npidfile none\n");
  EXPECT_EQ(host.Ports(), "2022 command_line");
  ASSERT_EQ(host.snapshot().gaps_size(), 1);
  EXPECT_EQ(host.snapshot().gaps(0).table(), "authorized_keys");
}

TEST(SshdOptions, AreNotTakenFromProcessesThatAreNoServerOfTheHost) {
  SshdHost host;
  host.Process(700, 1, kTitle, "1000");        // of a user
  host.Process(701, 1, kTitle, "0", "\t17");   // in a container
  host.Process(702, 1, "sshd: alice [priv]");  // a session left over
  host.Process(703, 702, kTitle);              // the child of one
  host.Process(704, 1, kTitle, "0", "", "/usr/bin/python3");
  EXPECT_EQ(host.Ports(), "22 not_running, 2222 not_running");
  EXPECT_EQ(host.snapshot().gaps_size(), 0);
}

TEST(SshdOptions, AreUnknownWhenTheDaemonCannotBeSeen) {
  SshdHost host;
  host.Process(700, 1, "sshd: /usr/sbin/sshd -D -o Allow");
  EXPECT_EQ(host.Ports(), "22 unknown, 2222 unknown");
  SshdHost replaced;
  replaced.Process(700, 1, kTitle, "0", "", "/usr/sbin/sshd (deleted)");
  EXPECT_EQ(replaced.Ports(), "22 unknown, 2222 unknown");
}

TEST(SshdOptions, NameASecondServer) {
  SshdHost host;
  host.Process(700, 1,
               "sshd: /usr/sbin/sshd -f /etc/other [listener] 0 of 10-100 "
               "startups");
  host.Process(701, 1, kTitle);
  host.Process(702, 1, "sshd: /opt/sbin/sshd [listener] 0 of 10-100 startups",
               "0", "", "/opt/sbin/sshd");
  EXPECT_EQ(host.Ports(), "22 same, 2222 same");
  ASSERT_EQ(host.snapshot().gaps_size(), 2);
  EXPECT_EQ(host.snapshot().gaps(0).subject(), "/usr/sbin/sshd -f /etc/other");
  EXPECT_THAT(host.snapshot().gaps(1).subject(), HasSubstr("/opt/sbin/sshd"));
}

TEST(SshdOptions, AreAbsentWithoutSshdAndUnknownWhenItFails) {
  HostFolder empty;
  v1::Snapshot snapshot;
  EXPECT_TRUE(
      IsAbsent(CollectSshdOptions(RecordedHost(empty.path()), snapshot)));
  SshdHost host;
  host.folder().Write("commands/%usr%sbin%sshd -T.error",
                      "sshd: no hostkeys available -- exiting.");
  const absl::Status status = host.Collect();
  EXPECT_FALSE(IsAbsent(status));
  EXPECT_THAT(Message(status), HasSubstr("no hostkeys available"));
}

}  // namespace
}  // namespace metsuke
