// What the collectors of accounts and access say of the machine the test runs
// on, beside what its own tools say. Needs root and the packages libc-bin,
// passwd, sudo, openssh-server, openssh-client and procps.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include "collectors/collector.h"
#include "collectors/host.h"
#include "collectors/passwd.h"
#include "collectors/sudoers_json.h"
#include "tests/unit/host_folder.h"

namespace metsuke {

absl::Status CollectAccounts(const Host&, v1::Snapshot&);
absl::Status CollectGroups(const Host&, v1::Snapshot&);
absl::Status CollectSshdOptions(const Host&, v1::Snapshot&);
absl::Status CollectSudoRules(const Host&, v1::Snapshot&);
absl::Status CollectSysctls(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

// The lines that a shell command prints.
std::vector<std::string> Shell(const std::string& command) {
  std::string text;
  FILE* pipe = popen(("LC_ALL=C; export LC_ALL; " + command).c_str(), "r");
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, size);
  EXPECT_EQ(pclose(pipe), 0)
      << command << ": run as root with the packages libc-bin, passwd, sudo, "
      << "openssh-server, openssh-client and procps installed";
  std::vector<std::string> lines;
  std::string_view rest = text, line;
  while (NextLine(rest, line)) lines.emplace_back(line);
  return lines;
}

template <typename Collect>
v1::Snapshot Collected(Collect collect, const Host& host = Host()) {
  v1::Snapshot snapshot;
  const absl::Status status = collect(host, snapshot);
  EXPECT_TRUE(status.ok()) << status;
  return snapshot;
}

TEST(TruthAccounts, AreThoseOfGetent) {
  std::vector<std::string> ours;
  const v1::Snapshot snapshot = Collected(CollectAccounts);
  for (const v1::Account& a : snapshot.accounts())
    ours.push_back(a.name() + ":x:" + std::to_string(a.uid()) + ":" +
                   std::to_string(a.gid()) + ":" + a.comment() + ":" +
                   a.home() + ":" + a.shell());
  EXPECT_THAT(ours, UnorderedElementsAreArray(Shell("getent passwd")));
}

TEST(TruthAccounts, HaveTheAgesAndStatesOfPasswd) {
  std::vector<std::string> ours;
  const v1::Snapshot snapshot = Collected(CollectAccounts);
  for (const v1::Account& a : snapshot.accounts()) {
    const time_t changed = a.password_changed();
    char day[16];
    strftime(day, sizeof(day), "%Y-%m-%d", gmtime(&changed));
    const std::string state = a.password() == "set"     ? "P"
                              : a.password() == "empty" ? "NP"
                                                        : "L";
    ours.push_back(a.name() + " " + state + " " + day + " " +
                   std::to_string(a.password_min_days()) + " " +
                   std::to_string(a.password_max_days()) + " " +
                   std::to_string(a.password_warn_days()) + " " +
                   std::to_string(a.password_inactive_days()));
  }
  EXPECT_THAT(ours, UnorderedElementsAreArray(Shell("passwd -S -a")));
}

TEST(TruthGroups, HoldWhomIdPutsIntoThem) {
  std::multimap<std::string, std::string> ours, theirs;
  const v1::Snapshot snapshot = Collected(CollectGroups);
  for (const v1::Group& group : snapshot.groups())
    for (const std::string& member : group.members())
      ours.emplace(member, group.name());
  for (const std::string& line : Shell("getent passwd")) {
    const std::string name = line.substr(0, line.find(':'));
    for (const std::string& group :
         SplitFields(Shell("id -nG " + name).at(0), ' '))
      theirs.emplace(name, group);
  }
  const auto sorted = [](const auto& map) {
    return std::set(map.begin(), map.end());
  };
  EXPECT_EQ(sorted(ours), sorted(theirs));
}

TEST(TruthSysctls, AreThoseOfSysctl) {
  std::map<std::string, std::string> theirs;
  for (const std::string& line : Shell("/sbin/sysctl -a 2>/dev/null")) {
    const size_t equals = line.find(" = ");
    if (equals == std::string::npos) continue;
    std::string value = line.substr(equals + 3);
    std::replace(value.begin(), value.end(), '\t', ' ');
    theirs[line.substr(0, equals)] = value;
  }
  int compared = 0;
  const v1::Snapshot snapshot = Collected(CollectSysctls);
  for (const v1::Sysctl& row : snapshot.sysctls()) {
    const auto found = theirs.find(row.name());
    if (found == theirs.end()) continue;  // an interface that came or went
    EXPECT_EQ(row.value(), found->second) << row.name();
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

std::vector<std::string> Lines(const v1::Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const v1::SudoRule& rule : snapshot.sudo_rules())
    lines.push_back(rule.subject() + " " + rule.hosts() + "=(" + rule.run_as() +
                    ") " + (rule.authenticate() ? "" : "NOPASSWD: ") +
                    (rule.denied() ? "!" : "") + rule.command());
  return lines;
}

TEST(TruthSudoRules, AreThoseThatSudoListsForRoot) {
  std::vector<std::string> ours, theirs;
  const v1::Snapshot snapshot = Collected(CollectSudoRules);
  for (const v1::SudoRule& rule : snapshot.sudo_rules()) {
    if (rule.subject() != "root") continue;
    std::string run_as = rule.run_as();
    if (const size_t colon = run_as.find(':'); colon != std::string::npos)
      run_as.replace(colon, 1, " : ");
    ours.push_back("    (" + run_as + ") " +
                   (rule.authenticate() ? "" : "NOPASSWD: ") + rule.command());
  }
  for (const std::string& line : Shell("sudo -l -U root"))
    if (line.starts_with("    (")) theirs.push_back(line);
  EXPECT_EQ(ours, theirs);
  EXPECT_FALSE(theirs.empty());
}

TEST(TruthSudoRules, AreReadFromWhatTheRealCvtsudoersPrints) {
  HostFolder folder;
  folder.Write("policy",
               "Defaults env_reset\n"
               "Defaults:alice !authenticate\n"
               "Defaults>www !authenticate\n"
               "User_Alias ADMIN = alice, %ops\n"
               "Cmnd_Alias WEB = /bin/systemctl restart nginx, !/bin/su\n"
               "Runas_Alias SERVICE = www, #33\n"
               "ADMIN ALL = (SERVICE:adm) WEB, PASSWD: /bin/ls \"\"\n"
               "%ops ALL = NOPASSWD: sudoedit /etc/motd\n"
               "eve ALL = UNDEFINED : web9 = /bin/id\n"
               "root ALL = (ALL:ALL) ALL\n"
               "@includedir " +
                   (folder.path() / "more").string() + "\n");
  folder.Write("more/10", "carol ALL, !db1 = () ALL\n");
  const auto convert = [&](const std::string& options) {
    std::string text;
    for (const std::string& line :
         Shell("/usr/bin/cvtsudoers -f json -e -c /dev/null " + options + " " +
               (folder.path() / "policy").string()))
      text += line + "\n";
    return text;
  };
  v1::Snapshot snapshot;
  ASSERT_TRUE(ParseSudoers(convert("-d global,user"),
                           {{"alice", "x", 1000, 50}, {"bob", "x", 1001, 50}},
                           {{"ops", 50, {}}}, snapshot)
                  .ok());
  EXPECT_THAT(
      Lines(snapshot),
      ElementsAre("alice ALL=(www,#33:adm) NOPASSWD: /bin/systemctl restart "
                  "nginx",
                  "%ops ALL=(www,#33:adm) /bin/systemctl restart nginx",
                  "alice ALL=(www,#33:adm) NOPASSWD: /bin/systemctl restart "
                  "nginx",
                  "alice ALL=(www,#33:adm) NOPASSWD: !/bin/su",
                  "%ops ALL=(www,#33:adm) !/bin/su",
                  "alice ALL=(www,#33:adm) NOPASSWD: !/bin/su",
                  "alice ALL=(www,#33:adm) /bin/ls \"\"",
                  "%ops ALL=(www,#33:adm) /bin/ls \"\"",
                  "%ops ALL=(root) NOPASSWD: sudoedit /etc/motd",
                  "eve web9=(root) /bin/id", "root ALL=(ALL:ALL) ALL",
                  "carol ALL,!db1=(:) ALL"));
  ASSERT_TRUE(
      ParseBoundDefaults(convert("-d host,runas,command -s aliases,privileges"),
                         snapshot)
          .ok());
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).subject(), "Defaults for www");
}

// The running machine, of whose processes only one is seen.
class OneProcess : public Host {
 public:
  explicit OneProcess(int pid) : pid_(pid) {}
  absl::StatusOr<std::vector<std::string>> List(
      std::string_view path) const override {
    if (path != "/proc") return Host::List(path);
    return pid_ == 0 ? std::vector<std::string>()
                     : std::vector<std::string>{std::to_string(pid_)};
  }

 private:
  int pid_;
};

TEST(TruthSshdOptions, AreThoseOfSshd) {
  mkdir("/run/sshd", 0755);  // as ssh.service makes it
  std::set<std::string> ours, theirs;
  const v1::Snapshot snapshot = Collected(CollectSshdOptions, OneProcess(0));
  for (const v1::SshdOption& row : snapshot.sshd_options()) {
    ours.insert(row.keyword() + (row.value().empty() ? "" : " ") + row.value());
    EXPECT_EQ(row.daemon(), "not_running");
  }
  for (const std::string& line : Shell("/usr/sbin/sshd -T"))
    theirs.insert(line);
  EXPECT_EQ(ours, theirs);
  EXPECT_GT(theirs.size(), 50u);
}

// An sshd of the test, on a port of the loopback.
class Daemon {
 public:
  Daemon() {
    mkdir("/run/sshd", 0755);
    const std::string dir = folder_.path().string();
    Shell("ssh-keygen -q -N '' -t ed25519 -f " + dir + "/key");
    folder_.Write("config", "HostKey " + dir + "/key\nPidFile " + dir +
                                "/pid\nListenAddress 127.0.0.1\nInclude " +
                                dir + "/more/*.conf\n");
    folder_.Write("more/1.conf", "MaxAuthTries 5\n");
    WaitASecond();
    pid_ = fork();
    if (pid_ == 0) {
      const std::string config = dir + "/config";
      const std::string port = std::to_string(20000 + getpid() % 20000);
      execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", config.c_str(),
            "-p", port.c_str(), "-oAllowUsers=alice bob", "-E", "/dev/null",
            nullptr);
      _exit(127);
    }
    AwaitPidFile();
  }
  ~Daemon() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // Times of processes are told in seconds.
  static void WaitASecond() {
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  }

  void Change() {
    WaitASecond();
    folder_.Write("more/2.conf", "MaxSessions 3\n");
  }

  void Reload() {
    boost::filesystem::remove(folder_.path() / "pid");
    kill(pid_, SIGHUP);
    AwaitPidFile();
  }

  // "value state" of a keyword.
  std::string Option(const std::string& keyword) {
    const v1::Snapshot snapshot =
        Collected(CollectSshdOptions, OneProcess(pid_));
    for (const v1::SshdOption& row : snapshot.sshd_options())
      if (row.keyword() == keyword) return row.value() + " " + row.daemon();
    return "none";
  }

 private:
  void AwaitPidFile() {
    for (int i = 0; i < 500; ++i) {
      if (boost::filesystem::exists(folder_.path() / "pid")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "sshd does not start";
  }

  HostFolder folder_;
  pid_t pid_;
};

TEST(TruthSshdOptions, FollowARealDaemonThroughAReload) {
  Daemon daemon;
  EXPECT_EQ(daemon.Option("maxauthtries"), "5 same");
  EXPECT_EQ(daemon.Option("maxsessions"), "10 same");
  EXPECT_EQ(daemon.Option("allowusers"), "alice command_line");
  EXPECT_THAT(daemon.Option("port"), ::testing::EndsWith(" command_line"));
  daemon.Change();
  EXPECT_EQ(daemon.Option("maxsessions"), "3 stale");
  daemon.Reload();
  EXPECT_EQ(daemon.Option("maxsessions"), "3 same");
  EXPECT_EQ(daemon.Option("allowusers"), "alice command_line");
}

}  // namespace
}  // namespace metsuke
