#include "collectors/event_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/event_records.h"

namespace metsuke {
namespace {

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

}  // namespace
}  // namespace metsuke
