#include "collectors/event_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "collectors/event_sums.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string NameOf(uint32_t uid) {
  return uid == 0 ? "root" : uid == 1000 ? "alice" : std::to_string(uid);
}

JournalRecord By(std::string_view program, std::string_view exe,
                 std::string_view message) {
  JournalRecord record;
  record.identifier = program;
  record.message = message;
  record.transport = "syslog";
  record.exe = exe;
  record.uid = 0;
  record.pid = 74;
  record.boot = "0ca1ad2c000000000000000000000001";
  record.time = 1'795'370'000'000'000;
  return record;
}

JournalRecord Sshd(std::string_view message) {
  return By("sshd", "/usr/sbin/sshd", message);
}

// An event in a line; "-" for none.
std::string Line(const std::optional<v1::Event>& event) {
  if (!event) return "-";
  return fmt::format("{} {} [{}] by [{}] from [{}] {} {}x {}", event->kind(),
                     event->service(), event->account(), event->actor(),
                     event->from(), event->method(), event->count(),
                     event->detail());
}

std::string Line(const JournalRecord& record) {
  return Line(ReadEvent(record, NameOf));
}

constexpr char kAccepted[] = "Accepted password for root from 192.0.2.1 port 5 ssh2";

TEST(EventReader, TakesFromASentenceWhatItSays) {
  EXPECT_EQ(Line(Sshd("Accepted publickey for alice from 2001:db8::1 port 5 "
                      "ssh2: ED25519 SHA256:abc")),
            "login ssh [alice] by [] from [2001:db8::1] publickey 1x ED25519 "
            "SHA256:abc");
  EXPECT_EQ(Line(By("sudo", "/usr/bin/sudo",
                    "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; "
                    "COMMAND=/usr/bin/cat /etc/shadow")),
            "login sudo [root] by [alice] from []  1x /usr/bin/cat");
  EXPECT_EQ(Line(By("sudo", "/usr/bin/sudo",
                    "alice : 3 incorrect password attempts ; TTY=pts/0 ; "
                    "PWD=/ ; USER=root ; COMMAND=/usr/bin/id")),
            "login_failed sudo [root] by [alice] from [] password 3x /usr/bin/id");
}

// $PrivDropToUser: systemd puts nobody else into the unit's control group.
TEST(EventReader, KnowsRsyslogdOfItsOwnAccountByItsUnit) {
  JournalRecord record =
      By("rsyslogd", "/usr/sbin/rsyslogd",
         "imuxsock lost 7 messages from pid 1 due to rate-limiting");
  record.uid = 104;
  EXPECT_EQ(Line(record), "-");
  record.unit = "user@104.service";
  EXPECT_EQ(Line(record), "-");
  record.unit = "rsyslog.service";
  EXPECT_EQ(Line(record),
            "recorder rsyslogd [] by [] from []  7x records dropped by the rate "
            "limit: imuxsock");
  EXPECT_EQ(ReadEvent(record, NameOf)->source(), "journal");
  record.exe = "/usr/bin/logger";
  EXPECT_EQ(Line(record), "-");
  JournalRecord other = Sshd(kAccepted);
  other.uid = 104;
  other.unit = "rsyslog.service";
  EXPECT_EQ(Line(other), "-");
}

TEST(EventReader, TakesTheProgramsOwnEndOfASentence) {
  EXPECT_EQ(Line(Sshd("Failed password for invalid user a from 192.0.2.9 port 1 "
                      "ssh2 from 192.0.2.1 port 5 ssh2")),
            "login_failed ssh [a from 192.0.2.9 port 1 ssh2] by [] from "
            "[192.0.2.1] password 1x ");
  EXPECT_EQ(Line(By("sudo", "/usr/bin/sudo",
                    "alice : PWD=/tmp/ ; USER=bob ; COMMAND=ls ; USER=root ; "
                    "COMMAND=/usr/bin/id")),
            "login sudo [] by [alice] from []  1x unclear: the record can be "
            "read in two ways");
}

TEST(EventReader, BelievesTheWriterAndNotTheWords) {
  EXPECT_NE(Line(Sshd(kAccepted)), "-");
  JournalRecord record = Sshd(kAccepted);
  record.uid = 1000;
  EXPECT_EQ(Line(record), "-") << "sshd never speaks as a user";
  for (const char* exe : {"/usr/bin/logger", "/home/eve/usr/sbin/sshd",
                          "/tmp/sshd", "sshd"})
    EXPECT_EQ(Line(By("sshd", exe, kAccepted)), "-") << exe;
  for (const char* transport : {"stdout", "kernel", "audit", ""}) {
    record = Sshd(kAccepted);
    record.transport = transport;
    EXPECT_EQ(Line(record), "-") << transport;
  }
  EXPECT_NE(Line(By("sshd", "/usr/sbin/sshd (deleted)", kAccepted)), "-");
  EXPECT_NE(Line(By("sshd-session", "/usr/lib/openssh/sshd-session", kAccepted)), "-");
  EXPECT_EQ(Line(By("useradd", "/usr/sbin/userdel", "new user: name=a, UID=1, x")), "-");
}

TEST(EventReader, SaysThatItHasOnlyRootsWordForAProcessThatIsGone) {
  JournalRecord record = Sshd(kAccepted);
  EXPECT_EQ(ReadEvent(record, NameOf)->source(), "journal");
  record.exe = "";
  EXPECT_EQ(ReadEvent(record, NameOf)->source(), "root");
  // As of one that has ended and was not waited for.
  record.comm = "logger";
  EXPECT_EQ(Line(record), "-");
  record.comm = "sshd";
  EXPECT_EQ(ReadEvent(record, NameOf)->source(), "root");
}

TEST(EventReader, TakesWhatAUserWritesAsAboutThatUser) {
  JournalRecord record = By("su", "/usr/bin/su", "(to root) bob on pts/0");
  record.uid = 1000;
  for (const char* exe : {"/usr/bin/su", "/usr/bin/su (deleted)", ""}) {
    record.exe = exe;
    EXPECT_EQ(Line(record), "login su [root] by [alice] from []  1x pts/0");
    EXPECT_EQ(ReadEvent(record, NameOf)->source(), "user");
  }
  record.exe = "/usr/bin/su";
  record.message = "pam_unix(su:session): session closed for user root";
  EXPECT_EQ(Line(record), "logout su [root] by [alice] from []  1x ");
  record = By("passwd", "/usr/bin/passwd",
              "password for 'bob' changed by 'root'");
  record.uid = 1000;
  EXPECT_EQ(Line(record), "-");
  record.message = "password for 'alice' changed by 'alice'";
  EXPECT_EQ(Line(record),
            "account passwd [alice] by [alice] from []  1x password changed");
  record.uid = 0;
  EXPECT_EQ(ReadEvent(record, NameOf)->source(), "journal");
}

// A user can make it up, and hide behind another program when it is true.
TEST(EventReader, TellsAsUnprovenWhatAUsersOtherProgramWrote) {
  JournalRecord record = By("su", "/usr/bin/logger", "(to root) bob on pts/0");
  record.uid = 1000;
  EXPECT_EQ(Line(record),
            "unproven su [root] by [alice] from []  1x written by "
            "/usr/bin/logger");
  EXPECT_EQ(ReadEvent(record, NameOf)->source(), "user");
  EXPECT_EQ(ReadEvent(record, NameOf)->session(), "");
  record = By("sudo", "/home/alice/sudo",
              "  alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id");
  record.uid = 1000;
  EXPECT_EQ(Line(record),
            "unproven sudo [root] by [alice] from []  1x written by "
            "/home/alice/sudo");
}

TEST(EventReader, SaysWhereARecordCanBeReadInTwoWays) {
  const auto sudo = [](std::string_view message) {
    return Line(By("sudo", "/usr/bin/sudo", message));
  };
  constexpr char kTwoWays[] = "unclear: the record can be read in two ways";
  EXPECT_EQ(sudo("alice : PWD=/ ; USER=root ; ENV=X=1 ; COMMAND=/usr/bin/true ; "
                 "COMMAND=/bin/sh"),
            fmt::format("login sudo [root] by [alice] from []  1x {}", kTwoWays));
  EXPECT_EQ(sudo("alice : PWD=/" + std::string(900, 'x')),
            "login sudo [] by [alice] from []  1x unclear: the record is cut");
  EXPECT_EQ(sudo("alice : command not allowed ; PWD=/tmp/xUSER=bob ; USER=root ; "
                 "COMMAND=/bin/sh"),
            "login_failed sudo [root] by [alice] from [] policy 1x /bin/sh");
  EXPECT_EQ(sudo("alice : PWD=/ ; USER=root ; COMMAND=list"), "-");
  EXPECT_EQ(sudo("alice : PWD=/x ; USER=bob ; COMMAND=list ; USER=root ; "
                 "COMMAND=/bin/sh"),
            fmt::format("login sudo [] by [alice] from []  1x {}", kTwoWays));
  EXPECT_EQ(Line(Sshd("Failed publickey for root from 192.0.2.7 port 55 ssh2: "
                      "ED25519-CERT SHA256:a ID x from 192.0.2.9 port 1:  "
                      "(serial 0) CA ED25519 SHA256:b")),
            fmt::format("login_failed ssh [] by [] from [] publickey 1x {}",
                        kTwoWays));
  EXPECT_EQ(Line(Sshd("Failed publickey for root from 192.0.2.7 port 55 ssh2: "
                      "ED25519 SHA256:a")),
            "login_failed ssh [root] by [] from [192.0.2.7] publickey 1x ");
  EXPECT_EQ(Line(Sshd("Disconnecting invalid user x 192.0.2.7 port 55: Change of "
                      "username or service not allowed: (x,ssh-connection) -> "
                      "(y 192.0.2.9 port 1: ,ssh-connection) [preauth]")),
            fmt::format("login_failed ssh [] by [] from [] none 1x {}", kTwoWays));
}

TEST(EventReader, KnowsJournaldByWhatOnlyItCanSay) {
  JournalRecord record =
      By("systemd-journald", "/usr/lib/systemd/systemd-journald",
         "Suppressed 44 messages from app.service");
  EXPECT_EQ(Line(record), "-");
  record.transport = "driver";
  EXPECT_EQ(Line(record),
            "recorder systemd-journald [] by [] from []  44x records dropped by "
            "the rate limit: app.service");
}

TEST(EventReader, KnowsWhoIsNotLetInThoughTheKeyWasRight) {
  EXPECT_EQ(Line(Sshd("fatal: Access denied for user alice by PAM account "
                      "configuration [preauth]")),
            "login_failed ssh [alice] by [] from [] policy 1x ");
}

// All that is recorded of some who were not let in.
TEST(EventReader, KnowsWhoWasSentAwayOrDroppedOut) {
  EXPECT_EQ(Line(Sshd("error: PAM: Authentication failure for erin from "
                      "198.51.100.71")),
            "login_failed ssh [erin] by [] from [198.51.100.71] "
            "keyboard-interactive/pam 1x Authentication failure");
  EXPECT_EQ(Line(Sshd("Disconnecting invalid user dora 198.51.100.72 port 4071: "
                      "Change of username or service not allowed: "
                      "(dora,ssh-connection) -> (nora,ssh-connection) "
                      "[preauth]")),
            "login_failed ssh [dora] by [] from [198.51.100.72] none 1x ");
  EXPECT_EQ(Line(Sshd("Connection from authenticating user erin 198.51.100.73 "
                      "port 4073 timed out [preauth]")),
            "login_failed ssh [erin] by [] from [198.51.100.73] none 1x ");
  EXPECT_EQ(Line(Sshd("ssh_dispatch_run_fatal: Connection from invalid user kai "
                      "2001:db8::73 port 4074: Broken pipe [preauth]")),
            "login_failed ssh [kai] by [] from [2001:db8::73] none 1x ");
  EXPECT_EQ(Line(Sshd("ssh_dispatch_run_fatal: Connection from 2001:db8::73 "
                      "port 4075: Broken pipe [preauth]")),
            "-");
}

TEST(EventReader, KnowsAPasswordThatIsChangedAtALogin) {
  EXPECT_EQ(Line(By("login", "/usr/bin/login",
                    "pam_unix(login:chauthtok): password changed for erin")),
            "account login [erin] by [] from []  1x password changed");
  JournalRecord called = By("su", "/usr/bin/su",
                            "pam_unix(su-l:chauthtok): password changed for erin");
  EXPECT_EQ(Line(called), "account su [erin] by [] from []  1x password changed");
  called.uid = 1000;
  EXPECT_EQ(Line(called), "-") << "the word of a user about another";
}

TEST(EventReader, TakesNamesWithBlanks) {
  EXPECT_EQ(Line(Sshd("pam_unix(sshd:session): session closed for user erin dale")),
            "logout ssh [erin dale] by [] from []  1x ");
  EXPECT_EQ(Line(Sshd("pam_unix(sshd-mfa:session): session closed for user erin")),
            "logout ssh [erin] by [] from []  1x ")
      << "another stack of PAM";
  for (const std::string_view by : {"(uid=70007) by erin dale(uid=0)", " by (uid=0)"})
    EXPECT_EQ(Line(By("login", "/usr/bin/login",
                      fmt::format("pam_unix(login:session): session opened for "
                                  "user erin dale{}", by))),
              "login console [erin dale] by [] from []  1x ");
}

// What sudo complains of before it goes on.
TEST(EventReader, SaysNothingOfWhatSudoComplainsOf) {
  for (const std::string_view complaint :
       {"ignoring time stamp from the future",
        "time stamp too far in the future: Jan  3 04:05:06 2031",
        "error reading lecture file /srv/lecture",
        "/etc/sudoers.d/ops:7:12: syntax error",
        "/etc/sudoers.d/ops is owned by uid 1007, should be 0"})
    EXPECT_EQ(Line(By("sudo", "/usr/bin/sudo",
                      fmt::format("erin : {} ; TTY=pts/7 ; PWD=/srv ; USER=root ; "
                                  "COMMAND=/usr/bin/uptime", complaint))),
              "-");
}

TEST(EventReader, KnowsWhoLogsInAtAScreen) {
  constexpr char kWorker[] = "/usr/libexec/gdm-session-worker";
  EXPECT_EQ(Line(By("gdm-password]", kWorker,
                    "pam_unix(gdm-password:session): session opened for user "
                    "erin(uid=1007) by erin(uid=0)")),
            "login console [erin] by [] from []  1x gdm-password");
  EXPECT_EQ(Line(By("gdm-launch-environment]", kWorker,
                    "pam_unix(gdm-launch-environment:session): session opened "
                    "for user gdm(uid=120) by (uid=0)")),
            "-");
  EXPECT_EQ(Line(By("gdm-password]", "/usr/bin/logger",
                    "pam_unix(gdm-password:session): session closed for user "
                    "erin")),
            "-");
  EXPECT_EQ(Line(By("lightdm", "/usr/sbin/lightdm",
                    "pam_unix(lightdm:session): session closed for user erin")),
            "logout console [erin] by [] from []  1x lightdm");
  EXPECT_EQ(Line(By("lightdm", "/usr/sbin/lightdm",
                    "pam_unix(lightdm-greeter:session): session opened for user "
                    "lightdm(uid=113) by (uid=0)")),
            "-");
  EXPECT_EQ(Line(By("sddm-helper", "/usr/libexec/sddm-helper",
                    "pam_unix(sddm-autologin:session): session opened for user "
                    "erin(uid=1007) by erin(uid=0)")),
            "login console [erin] by [] from []  1x sddm-autologin");
}

TEST(EventReader, SaysNothingOfWhatIsNoEvent) {
  for (const char* message :
       {"", "Server listening on :: port 22.", "Accepted", "Accepted password for",
        "x Accepted password for root from 192.0.2.1 port 5 ssh2",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 user=root"})
    EXPECT_EQ(Line(Sshd(message)), "-") << message;
  EXPECT_EQ(Line(By("cron", "/usr/sbin/cron", kAccepted)), "-");
}

TEST(EventReader, KeepsHostTextShortAndValid) {
  const auto event = ReadEvent(
      Sshd("Failed password for invalid user \xff" + std::string(10'000, 'x') +
           " from 192.0.2.1 port 5 ssh2"),
      NameOf);
  ASSERT_TRUE(event);
  EXPECT_LE(event->account().size(), 300u);
  v1::Event parsed;
  EXPECT_TRUE(parsed.ParseFromString(event->SerializeAsString()));
}

// What EventSums makes of records, each with its second and its process.
std::vector<std::string> Sums(
    const std::vector<std::tuple<int, int, JournalRecord>>& records) {
  EventSums sums;
  for (const auto& [second, process, record] : records) {
    JournalRecord one = record;
    one.time = (1'795'369'800 + static_cast<uint64_t>(second)) * 1'000'000;
    if (auto event = ReadEvent(one, NameOf))
      sums.Add(*std::move(event), static_cast<uint64_t>(process));
  }
  std::vector<std::string> lines;
  for (const v1::Event& event : sums.Take())
    lines.push_back(fmt::format("{} {} {} {}", event.kind(), event.account(),
                                event.method(), event.count()));
  return lines;
}

TEST(EventSums, AreFailuresOfOneSourceWithinTenMinutes) {
  const auto failed = [](std::string_view account, std::string_view from,
                         std::string_view method = "password") {
    static std::deque<std::string> kept;
    return Sshd(kept.emplace_back(fmt::format(
        "Failed {} for {} from {} port 5 ssh2", method, account, from)));
  };
  EXPECT_THAT(Sums({{0, 1, failed("root", "192.0.2.1")},
                    {1, 2, failed("root", "192.0.2.1")},
                    {2, 3, failed("root", "192.0.2.2")},
                    {3, 4, failed("bob", "192.0.2.1")},
                    {4, 5, failed("root", "192.0.2.1", "publickey")},
                    {599, 6, failed("root", "192.0.2.1")},
                    {600, 7, failed("root", "192.0.2.1")}}),
              ElementsAre("login_failed root password 3",
                          "login_failed root password 1",
                          "login_failed bob password 1",
                          "login_failed root publickey 1",
                          "login_failed root password 1"));
}

TEST(EventSums, AreWorthTheirWeakestPart) {
  const auto sure = Sshd("Failed password for root from 192.0.2.1 port 5 ssh2");
  JournalRecord gone = sure;
  gone.exe = "";
  for (const auto& [first, second] : {std::pair(sure, gone), {gone, sure}}) {
    EventSums sums;
    sums.Add(*ReadEvent(first, NameOf), 1);
    sums.Add(*ReadEvent(second, NameOf), 2);
    const auto events = sums.Take();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].source(), "root");
  }
}

TEST(EventSums, OfTooManyAccountsAreTold) {
  EventSums sums;
  for (int i = 0; i < 1000; ++i) {
    v1::Event event;
    event.set_kind("login_failed");
    event.set_account(fmt::format("u{}", i));
    event.set_from("192.0.2.1");
    event.set_count(1);
    sums.Add(event, static_cast<uint64_t>(i));
  }
  const auto events = sums.Take();
  ASSERT_EQ(events.size(), 301u);
  EXPECT_EQ(events.back().account(), "");
  EXPECT_EQ(events.back().detail(), "of many accounts");
  EXPECT_EQ(events.back().count(), 700u);
}

TEST(EventSums, LeavingAfterATryIsNoSecondOne) {
  const auto failed = Sshd("Failed password for root from 192.0.2.1 port 5 ssh2");
  const auto left = Sshd(
      "Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]");
  EXPECT_THAT(Sums({{0, 1, failed}, {1, 1, left}, {2, 2, left}}),
              ElementsAre("login_failed root password 1",
                          "login_failed root none 1"));
  const auto refused = Sshd(
      "fatal: Access denied for user root by PAM account configuration [preauth]");
  EXPECT_THAT(Sums({{0, 1, failed}, {1, 1, refused}, {2, 2, refused}}),
              ElementsAre("login_failed root password 1",
                          "login_failed root policy 1"));
  EXPECT_THAT(Sums({{0, 1, failed}, {700, 1, left}}),
              ElementsAre("login_failed root password 1",
                          "login_failed root none 1"))
      << "another process with the same number";
}

// log_exit_status has sudo say the same again once the program has ended.
TEST(EventSums, TheEndOfWhatSudoRanIsNoSecondRun) {
  const auto ran = By("sudo", "/usr/bin/sudo",
                      "erin : TTY=pts/7 ; PWD=/srv ; USER=root ; "
                      "COMMAND=/usr/bin/uptime");
  const auto ended = By("sudo", "/usr/bin/sudo",
                        "erin : TTY=pts/7 ; PWD=/srv ; USER=root ; "
                        "COMMAND=/usr/bin/uptime ; EXIT=3");
  EXPECT_THAT(Sums({{0, 1, ran}, {900, 1, ended}}),
              ElementsAre("login root  1"));
  EXPECT_THAT(Sums({{0, 1, ended}}), ElementsAre("login root  1"))
      << "an argument may look like that";
  EXPECT_THAT(Sums({{0, 1, ran}, {9, 1, ran}}),
              ElementsAre("login root  1", "login root  1"));
}

// sshd may add its verdict to what PAM said of a try.
TEST(EventSums, WhatPamAndSshdSayOfOneTryIsOneFailure) {
  const auto pam =
      Sshd("error: PAM: Authentication failure for erin from 192.0.2.71");
  const auto sshd = Sshd(
      "Failed keyboard-interactive/pam for erin from 192.0.2.71 port 5 ssh2");
  const auto times = [](int count) {
    return fmt::format("login_failed erin keyboard-interactive/pam {}", count);
  };
  EXPECT_THAT(Sums({{0, 1, pam}, {3, 1, pam}, {6, 1, pam}, {6, 1, sshd}}),
              ElementsAre(times(3)));
  EXPECT_THAT(Sums({{0, 1, pam}, {0, 1, sshd}, {2, 1, pam}, {2, 1, sshd}}),
              ElementsAre(times(2)));
  EXPECT_THAT(Sums({{0, 1, pam}, {0, 2, sshd}, {60, 1, sshd}}),
              ElementsAre(times(3)))
      << "of another process, and of a later try";
}

TEST(EventSums, WhatAProcessSaysTwiceInABreathIsOneChange) {
  const auto pam = By("passwd", "/usr/bin/passwd",
                      "pam_unix(passwd:chauthtok): password changed for bob");
  const auto own = By("passwd", "/usr/bin/passwd",
                      "password for 'bob' changed by 'root'");
  EXPECT_THAT(Sums({{0, 1, pam}, {0, 1, own}, {0, 2, own}, {9, 2, own}}),
              ElementsAre("account bob  1", "account bob  1", "account bob  1"));
  EXPECT_THAT(Sums({}), IsEmpty());
}

}  // namespace
}  // namespace metsuke
