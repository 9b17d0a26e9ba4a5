#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/log_names.h"
#include "collectors/log_retention.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectLogSources(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kNov21 = 1795219200;  // 2026-11-21 00:00:00 UTC
constexpr int64_t kDay = 86400;
constexpr int64_t kMiB = 1 << 20;

TEST(LogBase, IsWhatRotationLeavesOfAName) {
  for (const auto& [name, base] :
       std::vector<std::pair<std::string, std::string>>{
           {"syslog", "syslog"},
           {"syslog.1", "syslog"},
           {"syslog.2.gz", "syslog"},
           {"app.log-20261121.zst", "app.log"},
           {"app-20261121.log", "app.log"},
           {"app-20261121.log.gz", "app.log"},
           {"postgresql-2026-11-21_000000.log", "postgresql.log"},
           {"postgresql-15-main.log", "postgresql-15-main.log"},
           {"postgresql-15-main.log.3.gz", "postgresql-15-main.log"},
           {"Xorg.0.log", "Xorg.0.log"},
           {"10.0.0.1", "10.0.0.1"},
           {"10.0.0.1.log", "10.0.0.1.log"},
           {"192.168.100.101.log", "192.168.100.101.log"},
           {"10.0.0.1.log-20261121.gz", "10.0.0.1.log"},
           {"app-1.2.3", "app-1.2"},
           {"syslog-2026-11-21_12.xz", "syslog"},
           {"x-20261331.log", "x-20261331.log"},
           {"eipp.log.xz", "eipp.log.xz"},
           {"node_1", "node_1"},
           {"node_20261121", "node"},
           {"wtmp_20261121_000000.db", "wtmp.db"},
           {"wtmp.db", "wtmp.db"},
           {"-1", "-1"},
           {"", ""}})
    EXPECT_EQ(LogBase(name), base) << name;
}

v1::LogrotateRule Rule(const std::string& path, int rotate,
                       const std::string& frequency, int keep_days,
                       int64_t size = 0, int max_age = 0) {
  v1::LogrotateRule rule;
  rule.set_path(path);
  rule.set_rotate(rotate);
  rule.set_frequency(frequency);
  rule.set_keep_days(keep_days);
  rule.set_size_bytes(size);
  rule.set_max_age_days(max_age);
  rule.set_source("/etc/logrotate.d/x:1");
  return rule;
}

TEST(LogRetention, OfLogrotateIsThatOfTheFirstRuleThatMatches) {
  const std::vector<v1::LogrotateRule> rules = {
      Rule("/var/log/app/*.log", 7, "daily", 7),
      Rule("/var/log/app/b.log", 99, "daily", 99),
      Rule("/var/log/big", 3, "size", 0, 1000),
      Rule("/var/log/both", 4, "weekly", 28, 1000),
      Rule("/var/log/aged", 4, "size", 0, 1000, 12),
      Rule("/var/log/ever", -1, "daily", -1, 1000),
      Rule("/var/log/month", -1, "daily", 30, 0, 30),
      Rule("/var/log/none", 0, "daily", 0)};
  const auto of = [&](const char* path) {
    const LogLimits limits = LimitsOfLogrotate(rules, path);
    return fmt::format("{} {} {}", limits.days, limits.bytes, limits.by);
  };
  const std::string by = " logrotate /etc/logrotate.d/x:1";
  EXPECT_EQ(of("/var/log/app/b.log"), "7 0" + by);
  EXPECT_EQ(of("/var/log/app/sub/b.log"), "-1 0 ");
  EXPECT_EQ(of("/var/log/big"), "-1 4000" + by);
  EXPECT_EQ(of("/var/log/both"), "28 5000" + by);
  EXPECT_EQ(of("/var/log/aged"), "12 5000" + by);
  EXPECT_EQ(of("/var/log/ever"), "-1 0 ");
  EXPECT_EQ(of("/var/log/month"), "30 0" + by);
  EXPECT_EQ(of("/var/log/none"), "0 0" + by);
}

TEST(LogRetention, OfAJournalIsAShareOfItsDiskUnlessItIsSaid) {
  const auto option = [](const char* name, const char* value,
                         int64_t seconds = 0) {
    v1::JournalOption row;
    row.set_option(name);
    row.set_value(value);
    row.set_source("/etc/x");
    row.set_seconds(seconds);
    return row;
  };
  EXPECT_EQ(LimitsOfJournal({}, false, 1000).bytes, 100);
  EXPECT_EQ(LimitsOfJournal({}, false, 1000).by, "default");
  EXPECT_EQ(LimitsOfJournal({}, false, 1000).days, -1);
  EXPECT_EQ(LimitsOfJournal({}, false, 100'000 * kMiB).bytes, 4096 * kMiB);
  const std::vector<v1::JournalOption> options = {
      option("SystemMaxUse", "1.5G"), option("RuntimeMaxUse", "64M"),
      option("MaxRetentionSec", "1month", 2629800)};
  const LogLimits system = LimitsOfJournal(options, false, 1000);
  EXPECT_EQ(system.bytes, 1536 * kMiB);
  EXPECT_EQ(system.days, 30);
  EXPECT_EQ(system.by, "/etc/x");
  EXPECT_EQ(LimitsOfJournal(options, true, 1000).bytes, 64 * kMiB);
}

TEST(LogRetention, OfAuditdIsWhatItsRotationKeeps) {
  const AuditLog usual = ReadAuditdConf("# max_log_file = 1\n");
  EXPECT_EQ(usual.path, "/var/log/audit/audit.log");
  EXPECT_EQ(usual.limits.bytes, 40 * kMiB);
  const AuditLog own = ReadAuditdConf(
      "log_file = /srv/audit.log\nmax_log_file=100\nNUM_LOGS = 9\n"
      "max_log_file_action = ROTATE\n");
  EXPECT_EQ(own.path, "/srv/audit.log");
  EXPECT_EQ(own.limits.bytes, 900 * kMiB);
  EXPECT_EQ(ReadAuditdConf("num_logs = 1\n").limits.bytes, 0);
  EXPECT_EQ(ReadAuditdConf("max_log_file_action = keep_logs\n").limits.bytes, 0);
}

TEST(LogRetention, ReachesAsFarAsAgeAndSizeAllow) {
  EXPECT_EQ(ReachDays({}, 1000), -1);
  EXPECT_EQ(ReachDays({.days = 28}, 1000), 28);
  EXPECT_EQ(ReachDays({.days = 28, .bytes = 5000}, 1000), 5);
  EXPECT_EQ(ReachDays({.days = 3, .bytes = 5000}, 1000), 3);
  EXPECT_EQ(ReachDays({.bytes = 5000}, 1000), 5);
  EXPECT_EQ(ReachDays({.bytes = 5999}, 100), 50);  // rates change all the time
  EXPECT_EQ(ReachDays({.bytes = 5000}, 0), -1);
  EXPECT_EQ(ReachDays({.bytes = int64_t{1} << 60}, 1), INT32_MAX);
}

TEST(LogRetention, ReadsSizesAsSystemdDoes) {
  EXPECT_EQ(SizeBytes("512"), 512);
  EXPECT_EQ(SizeBytes("2K"), 2048);
  EXPECT_EQ(SizeBytes("1.5M"), 1536 * 1024);
  EXPECT_EQ(SizeBytes("1E"), int64_t{1} << 60);
  EXPECT_EQ(SizeBytes(""), 0);
  EXPECT_EQ(SizeBytes("K"), 0);
  EXPECT_EQ(SizeBytes("1x"), 0);
  EXPECT_EQ(SizeBytes("99E"), 0);
}

// The header of a journal file with `entries` between two instants.
std::string Journal(uint64_t entries, int64_t oldest, int64_t newest,
                    bool sealed) {
  std::string bytes = "LPKSHHRH" + std::string(8192 - 8, '\0');
  const auto put = [&](size_t at, uint64_t value) {
    memcpy(bytes.data() + at, &value, sizeof value);
  };
  bytes[8] = sealed ? 1 : 0;
  put(88, 208);
  put(152, entries);
  put(184, static_cast<uint64_t>(oldest) * 1000000);
  put(192, static_cast<uint64_t>(newest) * 1000000);
  return bytes;
}

class LogSources : public ::testing::Test {
 protected:
  LogSources() {
    folder_.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder_.Write("disk", "1000000\n");
    folder_.Write("etc/passwd", "root:x:0:0::/:/bin/sh\nsyslog:x:4:4::/:/x\n");
    folder_.Write("etc/group", "root:x:0:\nadm:x:4:syslog\n");
  }

  void Log(const std::string& path, int64_t modified, const std::string& text) {
    folder_.Write(path, text);
    attributes_ += fmt::format("640 4 4 {} /{}\n", modified, path);
    folder_.Write("attributes", attributes_);
  }
  void Rsyslog(const std::string& rules) {
    folder_.Write("usr/sbin/rsyslogd", "");
    folder_.Write("etc/rsyslog.conf", rules);
  }
  void Logrotate(const std::string& rules) {
    folder_.Write("usr/sbin/logrotate", "");
    folder_.Write("etc/logrotate.conf", rules);
  }

  void Collect() {
    snapshot_.Clear();
    const absl::Status status =
        CollectLogSources(RecordedHost(folder_.path()), snapshot_);
    ASSERT_TRUE(status.ok()) << status;
  }
  // "source path" of each row.
  std::vector<std::string> Rows() {
    Collect();
    std::vector<std::string> lines;
    for (const v1::LogSource& row : snapshot_.log_sources())
      lines.push_back(row.source() + " " + row.path());
    return lines;
  }
  v1::LogSource Row(const std::string& path) {
    Collect();
    for (const v1::LogSource& row : snapshot_.log_sources())
      if (row.path() == path) return row;
    ADD_FAILURE() << path << " is not there: " << snapshot_.ShortDebugString();
    return {};
  }

  HostFolder folder_;
  std::string attributes_;
  v1::Snapshot snapshot_;
};

TEST_F(LogSources, AHostWithoutLogsHasNone) {
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
}

TEST_F(LogSources, WhatTheLoggerWritesIsItsOwn) {
  Rsyslog("auth,authpriv.* /var/log/auth.log\n*.*;auth,authpriv.none /srv/all\n"
          "local7.* /var/log/never\n");
  Logrotate("/var/log/auth.log {\nweekly\nrotate 4\n}\n");
  std::string day = "2026-11-20T00:00:00Z begins the first of these\n";
  while (day.size() < 9000) day += "2026-11-20T05:00:00Z one of 50 bytes, all of these\n";
  Log("var/log/auth.log", kNov21, day + "2026-11-20T23:59:00Z last\n");
  Log("srv/all", kNov21, "2026-11-01T00:00:00Z x\n");
  const v1::LogSource auth = Row("/var/log/auth.log");
  EXPECT_EQ(auth.source(), "auth");
  EXPECT_EQ(auth.writer(), "rsyslog");
  EXPECT_THAT(auth.facilities(), ElementsAre("auth", "authpriv"));
  EXPECT_EQ(auth.oldest(), kNov21 - kDay);
  EXPECT_EQ(auth.newest(), kNov21 - 60);
  EXPECT_EQ(auth.files(), 1u);
  EXPECT_EQ(auth.mode() + auth.owner() + auth.group(), "0640syslogadm");
  EXPECT_TRUE(auth.persistent());
  EXPECT_EQ(auth.keep_days(), 28);
  EXPECT_EQ(auth.keep_bytes(), 0);
  EXPECT_EQ(auth.kept_by(), "logrotate /etc/logrotate.conf:1");
  EXPECT_EQ(auth.reach_days(), 28);
  EXPECT_EQ(auth.removal(), kNov21 + 27 * kDay);
  EXPECT_EQ(auth.bytes_per_day(), 9000);
  EXPECT_EQ(auth.records_per_day(), 100);
  EXPECT_EQ(auth.copy(), "");
  EXPECT_EQ(auth.unread(), "");
  const v1::LogSource all = Row("/srv/all");
  EXPECT_EQ(all.source(), "syslog");
  EXPECT_EQ(all.kept_by(), "");
  EXPECT_EQ(all.reach_days(), -1);
  EXPECT_EQ(all.removal(), 0);
  // Configured, and nothing was ever written.
  const v1::LogSource never = Row("/var/log/never");
  EXPECT_EQ(never.files(), 0u);
  EXPECT_EQ(never.oldest(), 0);
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
}

TEST_F(LogSources, ACopyLeavesTheHostOnlyWhenAllOfItDoes) {
  Rsyslog("auth,authpriv.* /var/log/auth.log\nkern.* /var/log/kern.log\n"
          "auth.*;authpriv.info;kern.* @@loghost:514\n");
  EXPECT_EQ(Row("/var/log/kern.log").copy(), "@@loghost:514");
  EXPECT_EQ(Row("/var/log/auth.log").copy(), "");
  const v1::LogSource sent = Row("@@loghost:514");
  EXPECT_EQ(sent.source(), "syslog");
  EXPECT_EQ(sent.copy(), "@@loghost:514");
  EXPECT_THAT(sent.facilities(), ElementsAre("auth", "authpriv", "kern"));
  EXPECT_FALSE(sent.persistent());
}

// Severities above the lowest that is sent are sent as well.
TEST_F(LogSources, ACopyOfMoreIsACopy) {
  Rsyslog("mail.err /var/log/mail.err\nmail.warning /var/log/mail.warn\n"
          "mail.err @loghost\nkern.=err /var/log/kern\nkern.=crit @loghost\n");
  EXPECT_EQ(Row("/var/log/mail.err").copy(), "@loghost:514");
  EXPECT_EQ(Row("/var/log/mail.warn").copy(), "");
  EXPECT_EQ(Row("/var/log/kern").copy(), "");
  Rsyslog("mail.err /var/log/mail.err\nmail.warning @loghost\n");
  EXPECT_EQ(Row("/var/log/mail.err").copy(), "@loghost:514");
}

// What a program writes by itself leaves the host where rsyslog reads it.
TEST_F(LogSources, WhatRsyslogReadsIsSentAsItsFacilityIs) {
  Log("var/log/nginx/access.log", kNov21, "2026-11-20 00:00:00 x\n");
  Log("var/log/app/a.log", kNov21, "2026-11-20 00:00:00 x\n");
  Log("var/log/app/b.txt", kNov21, "2026-11-20 00:00:00 x\n");
  Log("var/log/old.log", kNov21, "2026-11-20 00:00:00 x\n");
  Log("var/log/elsewhere.log", kNov21, "2026-11-20 00:00:00 x\n");
  Rsyslog("module(load=\"imfile\")\n"
          "input(type=\"imfile\" File=\"/var/log/nginx/access.log\" Tag=\"n\""
          " Severity=\"info\" Facility=\"local6\")\n"
          "input(type=\"imfile\" File=\"/var/log/app/*.log\" Tag=\"a\")\n"
          "input(type=\"imfile\" File=\"/var/log/elsewhere.log\" Tag=\"a\""
          " ruleset=\"other\")\n"
          "input(type=\"imtcp\" port=\"514\")\n"
          "$InputFileName /var/log/old.log\n$InputFileTag old:\n"
          "$InputFileFacility local7\n$InputRunFileMonitor\n"
          "local6.info @@web:514\nlocal0.warning @@warnings:514\n"
          "local7.* @old\n");
  EXPECT_EQ(Row("/var/log/nginx/access.log").copy(), "@@web:514");
  EXPECT_EQ(Row("/var/log/nginx/access.log").source(), "web");
  EXPECT_EQ(Row("/var/log/app/a.log").copy(), "") << "a notice is no warning";
  EXPECT_EQ(Row("/var/log/old.log").copy(), "@old:514");
  EXPECT_EQ(Row("/var/log/elsewhere.log").copy(), "");
  // What goes to a ruleset does not go by the other rules.
  Rsyslog("$InputFileName /var/log/old.log\n$InputFileFacility local7\n"
          "$InputFileBindRuleset other\n$InputRunFileMonitor\n"
          "$InputFileName /var/log/elsewhere.log\n"
          "$InputFileBindRuleset RSYSLOG_DefaultRuleset\n"
          "$InputRunFileMonitor\n"
          "local7.* @old\n");
  EXPECT_EQ(Row("/var/log/old.log").copy(), "");
  EXPECT_EQ(Row("/var/log/elsewhere.log").copy(), "@old:514");
  Rsyslog("input(type=\"imfile\" File=\"/var/log/app/*.log\" Tag=\"a\")\n"
          "local0.* @all\n");
  EXPECT_EQ(Row("/var/log/app/a.log").copy(), "@all:514");
  EXPECT_EQ(Row("/var/log/app/b.txt").copy(), "");
}

TEST_F(LogSources, FilesInAnotherFolderAreOfTheirLog) {
  Log("var/log/app.log", kNov21, "2026-11-20 00:00:00 x\n");
  Log("var/log/old/app.log.1", kNov21 - kDay, "2026-11-10 00:00:00 x\n");
  Log("var/log/old/other.log.1", kNov21 - kDay, "2026-11-10 00:00:00 x\n");
  Log("srv/gone/far.log-20261101", kNov21 - kDay, "2026-11-01 00:00:00 x\n");
  Log("var/log/sub/far.log", kNov21, "2026-11-20 00:00:00 x\n");
  EXPECT_EQ(Row("/var/log/app.log").files(), 1u);
  EXPECT_EQ(Row("/var/log/old/app.log").files(), 1u);
  Logrotate("olddir /srv/gone/\n/var/log/app.log {\nolddir old\n}\n"
            "/var/log/sub/*.log {\nweekly\n}\n"
            "/var/log/old/*.log {\nnoolddir\n}\n");
  EXPECT_EQ(Row("/var/log/app.log").files(), 2u);
  EXPECT_EQ(Row("/var/log/app.log").oldest(), kNov21 - 11 * kDay);
  EXPECT_THAT(Rows(), testing::Not(Contains("application /var/log/old/app.log")))
      << "it is no log of its own";
  EXPECT_EQ(Row("/var/log/old/other.log").files(), 1u);
  EXPECT_EQ(Row("/var/log/sub/far.log").files(), 2u);
  EXPECT_EQ(Row("/var/log/sub/far.log").oldest(), kNov21 - 20 * kDay);
}

TEST_F(LogSources, AFolderOfOldFilesThatCannotBeSeenIsAGap) {
  Log("var/log/app.log", kNov21, "2026-11-20 00:00:00 x\n");
  Logrotate("/var/log/app.log {\nolddir /srv/old\n}\n");
  const auto said = [&] {
    v1::Snapshot snapshot;
    EXPECT_TRUE(
        CollectLogSources(RecordedHost(folder_.path()), snapshot).ok());
    std::vector<std::string> gaps;
    for (const v1::Gap& gap : snapshot.gaps()) gaps.push_back(gap.subject());
    return gaps;
  };
  EXPECT_THAT(said(), testing::Not(Contains("/srv/old"))) << "it is not there";
  folder_.Write("srv/old", "no folder");
  EXPECT_THAT(said(), Contains("/srv/old"));
}

TEST_F(LogSources, GrowthIsThatOfTheFilesThatAreNotCompressed) {
  Logrotate("/var/log/app.log {\nsize 10000\nrotate 4\n}\n");
  Log("var/log/app.log", kNov21, "2026-11-20 00:00:00 x\n");
  Log("var/log/app.log.1", kNov21 - kDay,
      "2026-11-11 00:00:00 x\n" + std::string(10000 - 44, 'y'));
  Log("var/log/app.log.2.gz", kNov21 - 10 * kDay, "torn");
  v1::LogSource row = Row("/var/log/app.log");
  EXPECT_EQ(row.files(), 3u);
  EXPECT_EQ(row.oldest(), kNov21 - 10 * kDay);
  EXPECT_EQ(row.bytes_per_day(), 1000);
  EXPECT_EQ(row.keep_bytes(), 50000);
  EXPECT_EQ(row.reach_days(), 40);  // nine days to write 9,978 bytes
  EXPECT_THAT(snapshot_.gaps(), IsEmpty()) << "an application's";
  EXPECT_EQ(row.unread(), "");
  Log("var/log/app.log.3.lz4", kNov21 - 20 * kDay, "x");
  EXPECT_THAT(Row("/var/log/app.log").unread(), HasSubstr("only gzip, xz, bzip2 and zstd"));
}

// Young files of an old log are not taken for a day's.
TEST_F(LogSources, ABusyLogIsNotTakenForOneThatIsYoung) {
  Logrotate("/var/log/busy.log {\nsize 10000\nrotate 99\ncompress\n}\n");
  std::string text = "2026-11-20 22:00:00 x\n";
  text.resize(10000 - 22, 'y');
  text += "2026-11-20 23:00:00 x\n";
  Log("var/log/busy.log", kNov21, text);
  Log("var/log/busy.log.1.gz", kNov21 - 7200, "torn");
  const v1::LogSource row = Row("/var/log/busy.log");
  EXPECT_EQ(row.bytes_per_day(), 200000);
  EXPECT_EQ(row.reach_days(), 4);
  // Just after it was rotated nothing shows how fast it grows.
  Log("var/log/busy.log", kNov21, "");
  Log("var/log/busy.log.2.zst", kNov21 - 9000, "torn");
  EXPECT_EQ(Row("/var/log/busy.log").reach_days(), -1);
}

TEST_F(LogSources, AFileThatTheLoggerWritesIsItsOwnWhateverItsName) {
  Rsyslog("local4.* /var/log/fw-1\nlocal5.* /dev/tty12\n");
  Log("var/log/fw-1", kNov21, "2026-11-20T00:00:00Z x\n");
  EXPECT_THAT(Rows(), ElementsAre("syslog /var/log/fw-1"));
  EXPECT_EQ(Row("/var/log/fw-1").files(), 1u);
  Rsyslog("local4.* /srv/fw-1\n");
  folder_.Write("srv/fw-1", "2026-11-20T00:00:00Z x\n");
  EXPECT_EQ(Row("/srv/fw-1").files(), 1u);
}

TEST_F(LogSources, AuditdsLimitHoldsBesideARuleOfLogrotate) {
  folder_.Write("etc/audit/auditd.conf", "");
  Logrotate("/var/log/audit/audit.log {\ndaily\nrotate 90\n}\n");
  const v1::LogSource row = Row("/var/log/audit/audit.log");
  EXPECT_EQ(row.keep_days(), 90);
  EXPECT_EQ(row.keep_bytes(), 40 * kMiB);
  EXPECT_EQ(row.kept_by(),
            "logrotate /etc/logrotate.conf:1; /etc/audit/auditd.conf");
}

TEST_F(LogSources, AJournalFileThatCannotBeReadIsNotSealed) {
  folder_.Write("etc/machine-id", "abc\n");
  folder_.Write("var/log/journal/abc/system.journal",
                Journal(100, kNov21 - kDay, kNov21, true));
  folder_.Write("var/log/journal/abc/system@1.journal~", "");
  EXPECT_FALSE(Row("/var/log/journal/abc/system.journal").sealed());
}

TEST_F(LogSources, TimesThatCannotBeAreNone) {
  Rsyslog("*.* /var/log/all\n");
  Log("var/log/all", kNov21,
      "2099-01-01T00:00:00Z x\n2026-11-20T00:00:00Z x\n"
      "GET /audit(9223372036854775807)\n");
  const v1::LogSource row = Row("/var/log/all");
  EXPECT_EQ(row.oldest(), kNov21 - kDay);
  EXPECT_EQ(row.newest(), kNov21 - kDay);
}

TEST_F(LogSources, KindsGoByNameAndPlace) {
  for (const char* path :
       {"syslog", "secure", "btmp", "nginx/access.log", "postgresql/main.log",
        "exim4/mainlog", "nested/nginx/access.log", "mail.log", "README",
        "audit/audit.log"})
    Log(fmt::format("var/log/{}", path), kNov21, "");
  folder_.Write("var/log/journal/other/x.log", "2026-11-11 00:00:00 x\n");
  EXPECT_THAT(Rows(),
              UnorderedElementsAre("application /var/log/README",
                          "audit /var/log/audit/audit.log", "btmp /var/log/btmp",
                          "mail /var/log/exim4/mainlog",
                          "mail /var/log/mail.log",
                          "application /var/log/nested/nginx/access.log",
                          "web /var/log/nginx/access.log",
                          "database /var/log/postgresql/main.log",
                          "auth /var/log/secure", "syslog /var/log/syslog"));
}

TEST_F(LogSources, ALogOfTheSystemThatHasNoTimesIsAGap) {
  Log("var/log/syslog", kNov21, "no time\n");
  Log("var/log/app.log", kNov21, "no time\n");
  const v1::LogSource row = Row("/var/log/syslog");
  EXPECT_THAT(row.unread(), HasSubstr("no record with a time"));
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_EQ(snapshot_.gaps(0).subject(), "/var/log/syslog");
  EXPECT_THAT(snapshot_.gaps(0).columns(), Contains("oldest"));
}

TEST_F(LogSources, TheAuditLogIsWhereAuditdWritesIt) {
  folder_.Write("etc/audit/auditd.conf",
                "log_file = /srv/audit/a.log\nmax_log_file = 1\nnum_logs = 2\n");
  folder_.Write("etc/audit/plugins.d/au-remote.conf", "active = yes\n");
  folder_.Write("etc/audit/audisp-remote.conf", "remote_server = loghost\n");
  Log("srv/audit/a.log", kNov21,
      "type=X msg=audit(1795132800.1:1): x\ntype=X msg=audit(1795219199.1:2): x\n");
  const v1::LogSource row = Row("/srv/audit/a.log");
  EXPECT_EQ(row.source(), "audit");
  EXPECT_EQ(row.writer(), "auditd");
  EXPECT_EQ(row.oldest(), kNov21 - kDay);
  EXPECT_EQ(row.keep_bytes(), 2 * kMiB);
  EXPECT_EQ(row.copy(), "loghost");
}

TEST_F(LogSources, JournalsOfTheSystemUsersAndNamespacesAreStreams) {
  folder_.Write("etc/machine-id", "abc\n");
  folder_.Write("usr/lib/systemd/systemd-journald", "");
  folder_.Write("etc/systemd/journald@web.conf",
                "[Journal]\nSystemMaxUse=16K\n");
  const std::string base = "var/log/journal/abc";
  folder_.Write(base + "/system.journal",
                Journal(100, kNov21 - kDay, kNov21, true));
  folder_.Write(base + "/system@1.journal",
                Journal(100, kNov21 - 4 * kDay, kNov21 - kDay, true));
  folder_.Write(base + "/user-1000.journal",
                Journal(8, kNov21 - 2 * kDay, kNov21, false));
  folder_.Write(base + ".web/system.journal",
                Journal(8, kNov21 - kDay, kNov21, true));
  folder_.Write("var/log/journal/other/system.journal", "");
  folder_.Write("run/log/journal/abc/system.journal",
                Journal(1, kNov21, kNov21, true));
  EXPECT_THAT(
      Rows(),
      ElementsAre("journal /var/log/journal/abc/system.journal",
                  "journal /var/log/journal/abc/user-*.journal",
                  "journal /var/log/journal/abc.web/system.journal",
                  "journal /run/log/journal/abc/system.journal"));
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  const v1::LogSource system = Row("/var/log/journal/abc/system.journal");
  EXPECT_EQ(system.oldest(), kNov21 - 4 * kDay);
  EXPECT_EQ(system.newest(), kNov21);
  EXPECT_EQ(system.files(), 2u);
  EXPECT_EQ(system.records_per_day(), 50);
  EXPECT_EQ(system.bytes_per_day(), 4000);
  EXPECT_EQ(system.keep_bytes(), 100000);  // a tenth of the disk
  EXPECT_EQ(system.kept_by(), "default");
  // Both kinds take from it: 24 KiB in four days.
  EXPECT_EQ(system.reach_days(), 10);
  EXPECT_TRUE(system.sealed());
  EXPECT_TRUE(system.persistent());
  EXPECT_FALSE(Row("/var/log/journal/abc/user-*.journal").sealed());
  EXPECT_EQ(Row("/var/log/journal/abc.web/system.journal").keep_bytes(), 16384);
  EXPECT_FALSE(Row("/run/log/journal/abc/system.journal").persistent());
}

TEST_F(LogSources, LastLoginsHaveTheTimesOfTheirRecords) {
  std::string lastlog(292 * 3, '\0');
  const uint32_t times[] = {static_cast<uint32_t>(kNov21), 0,
                            static_cast<uint32_t>(kNov21 - kDay)};
  for (int i = 0; i < 3; ++i) memcpy(lastlog.data() + 292 * i, &times[i], 4);
  Log("var/log/lastlog", kNov21, lastlog);
  const v1::LogSource row = Row("/var/log/lastlog");
  EXPECT_EQ(row.source(), "lastlog");
  EXPECT_EQ(row.oldest(), kNov21 - kDay);
  EXPECT_EQ(row.newest(), kNov21);
}

TEST_F(LogSources, WhatLiesTooDeepIsAGap) {
  Log("var/log/a/b/c/d.log", kNov21, "");
  folder_.Write("var/log/a/b/c/d/e.log", "");
  EXPECT_THAT(Rows(), ElementsAre("application /var/log/a/b/c/d.log"));
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_EQ(snapshot_.gaps(0).subject(), "/var/log/a/b/c/d");
}

}  // namespace
}  // namespace metsuke
