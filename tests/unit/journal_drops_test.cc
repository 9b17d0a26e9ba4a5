#include "collectors/journal_drops.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <ctime>

#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "proto/run.h"
#include "tests/unit/host_folder.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kMachine[] = "506cd7e4af1a4b3fa915e5b9018b068e";
constexpr int64_t kBegin = 1'795'305'600;  // 2026-11-22 00:00 UTC

constexpr char kDriver[] =
    "_TRANSPORT=driver\n_UID=0\n_PID=31\nSYSLOG_IDENTIFIER=systemd-journald\n"
    "_EXE=/usr/lib/systemd/systemd-journald\n";
constexpr char kSuppressed[] = "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e\n";
constexpr char kMissed[] = "MESSAGE_ID=e9bf28e6e834481bb6f48f548ad13606\n";
constexpr char kKernel[] = "_TRANSPORT=kernel\nSYSLOG_FACILITY=0\n";

std::string Record(int64_t second, const std::string& fields,
                   const std::string& message) {
  return fmt::format(
      "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n"
      "_BOOT_ID=0ca1ad2c000000000000000000000001\n{}MESSAGE={}\n\n",
      (kBegin + second) * 1'000'000, second * 1'000'000, fields, message);
}

std::string Suppressed(int64_t second, int count, const std::string& unit) {
  return Record(second, std::string(kDriver) + kSuppressed,
                fmt::format("Suppressed {} messages from {}", count, unit));
}

class JournalDropsTest : public testing::Test {
 protected:
  JournalDropsTest() : host_(folder_.path()) {
    folder_.Write("etc/machine-id", std::string(kMachine) + "\n");
  }

  // A journal with these records, by systemd's own program.
  void Journal(const std::string& name, const std::string& records,
               const std::string& space = "") {
    const auto path = folder_.path() / "var/log/journal" /
                      (kMachine + (space.empty() ? "" : "." + space)) / name;
    boost::filesystem::create_directories(path.parent_path());
    folder_.Write("records", records);
    const auto made = RunProgram(
        {"/lib/systemd/systemd-journal-remote", "-o", path.string(),
         (folder_.path() / "records").string()},
        RunOptions());
    ASSERT_TRUE(made.ok()) << made.status();
  }

  std::vector<std::string> Rows() {
    v1::Snapshot snapshot;
    EXPECT_TRUE(CollectLogGaps(host_, snapshot).ok());
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      rows.push_back(fmt::format("{} {} {}-{} {}", row.source(),
                                 row.path().substr(row.path().rfind('/') + 1),
                                 row.since() - kBegin, row.until() - kBegin,
                                 row.reason()));
    // Nothing is run on an image: journal_damage_test.cc.
    for (const v1::Gap& gap : snapshot.gaps())
      if (gap.reason().find("verified") == std::string::npos)
        rows.push_back("gap: " + gap.reason());
    return rows;
  }

  HostFolder folder_;
  Host host_;
};

TEST_F(JournalDropsTest, WhatJournaldDroppedIsMissingFromItsJournal) {
  Journal("system.journal",
          Record(100, "_SYSTEMD_UNIT=noisy.service\n", "x") +
              Record(110, "_SYSTEMD_UNIT=other.service\n", "x") +
              Record(115, kKernel, "eth0: up") +
              Suppressed(130, 1234, "noisy.service") +
              Record(130, "_SYSTEMD_UNIT=noisy.service\n", "x") +
              Suppressed(160, 800, "noisy.service") +
              Suppressed(170, 5, "other.service") +
              Record(180, std::string(kDriver) + kMissed,
                     "Missed 12 kernel messages") +
              // It is in the journal.
              Record(190,
                     std::string(kDriver) +
                         "MESSAGE_ID=0027229ca0644181a76c4e92458afa2e\n",
                     "Forwarding to syslog missed 3 messages."));
  EXPECT_THAT(
      Rows(),
      UnorderedElementsAre(
          "journal system.journal 100-160 2000 records dropped by the rate "
          "limit: noisy.service",
          "journal system.journal 110-170 5 records dropped by the rate limit: "
          "other.service",
          "journal system.journal 115-180 10 records of the kernel lost"));
}

// Anybody may write these words, and even the id of the message.
TEST_F(JournalDropsTest, WhatOthersWriteIsNothing) {
  for (const std::string who :
       {"_TRANSPORT=syslog\n_UID=1000\nSYSLOG_IDENTIFIER=systemd-journald\n",
        "_TRANSPORT=journal\n_UID=0\nSYSLOG_IDENTIFIER=systemd-journald\n"
        "_EXE=/usr/bin/logger\n",
        "_TRANSPORT=stdout\n_UID=0\nSYSLOG_IDENTIFIER=systemd-journald\n"
        "TRANSPORT=driver\n"})
    Journal("system.journal",
            Record(130, who + kSuppressed, "Suppressed 9 messages from a"));
  Journal("system.journal",
          // root may write to /dev/kmsg, but not as the kernel.
          Record(140, "_TRANSPORT=kernel\nSYSLOG_FACILITY=1\n",
                 "audit: backlog limit exceeded") +
              Record(141, "_TRANSPORT=syslog\n_UID=0\nSYSLOG_FACILITY=0\n",
                     "audit: backlog limit exceeded") +
              Record(142,
                     "_TRANSPORT=syslog\n_UID=1000\n_EXE=/usr/sbin/rsyslogd\n"
                     "SYSLOG_IDENTIFIER=rsyslogd\n",
                     "imuxsock lost 9 messages from pid 1 due to rate-limiting") +
              Record(143,
                     "_TRANSPORT=syslog\n_UID=0\n_EXE=/usr/bin/logger\n"
                     "SYSLOG_IDENTIFIER=rsyslogd\n",
                     "imuxsock lost 9 messages from pid 1 due to rate-limiting") +
              // Whoever was gone when journald looked may have been root's.
              Record(144,
                     "_TRANSPORT=syslog\n_UID=0\nSYSLOG_IDENTIFIER=rsyslogd\n",
                     "imuxsock lost 9 messages from pid 1 due to rate-limiting") +
              // What another host sent, by omjournal.
              Record(144,
                     "_TRANSPORT=journal\n_UID=0\n_EXE=/usr/sbin/rsyslogd\n"
                     "_SYSTEMD_UNIT=rsyslog.service\n"
                     "SYSLOG_IDENTIFIER=rsyslogd\n",
                     "imuxsock lost 9 messages from pid 1 due to rate-limiting") +
              Record(145, kDriver, "Journal started"));
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(JournalDropsTest, RsyslogAndTheKernelSayIt) {
  folder_.Write("etc/audit/auditd.conf", "log_file = /data/audit.log\n");
  folder_.Write("var/log/messages", "");
  Journal("system.journal",
          Record(10, kKernel, "audit: backlog limit exceeded") +
              Record(20, kKernel, "audit: audit_lost=3 audit_rate_limit=0") +
              Record(30, kKernel, "audit: backlog limit exceeded") +
              Record(40,
                     "_TRANSPORT=syslog\n_UID=0\n_EXE=/usr/sbin/rsyslogd\n"
                     "SYSLOG_IDENTIFIER=rsyslogd\n",
                     "imuxsock lost 77 messages from pid 1 due to rate-limiting"));
  EXPECT_THAT(
      Rows(),
      UnorderedElementsAre(
          "audit audit.log 10-30 the kernel lost records of audit: backlog limit "
          "exceeded",
          "syslog messages 40-40 70 records dropped by the rate limit: imuxsock"));
}

TEST_F(JournalDropsTest, OneRecordIsOne) {
  Journal("system.journal", Suppressed(10, 1, "a.service"));
  EXPECT_THAT(Rows(), testing::ElementsAre(
                          "journal system.journal 10-10 1 record dropped by the "
                          "rate limit: a.service"));
}

TEST_F(JournalDropsTest, EachDayAndEachJournalHasItsOwn) {
  const int64_t day = 86400;
  Journal("system@1.journal", Suppressed(10, 1, "a.service"));
  Journal("system.journal", Suppressed(20, 2, "a.service") +
                                Suppressed(day + 1, 4, "a.service"));
  Journal("system.journal", Suppressed(30, 3, "a.service"), "space");
  Journal("user-1000.journal", Suppressed(40, 7, "a.service"));
  EXPECT_THAT(Rows(),
              UnorderedElementsAre(
                  HasSubstr("10-20 3 records"), HasSubstr("86401-86401 4 records"),
                  HasSubstr("30-30 3 records")));
}

TEST_F(JournalDropsTest, OfVeryManySomeAreTold) {
  std::string records;
  for (int i = 0; i < 150; ++i)
    records += Suppressed(i, 1, fmt::format("u{}.service", i));
  Journal("system.journal", records);
  auto rows = Rows();
  EXPECT_EQ(rows.size(), 101u);
  EXPECT_EQ(rows.back(), "gap: 150 times records were dropped, of which the "
                         "latest 100 are told");
  records.clear();
  constexpr int64_t kDay = 86400;
  for (int day = 0; day < 120; ++day)
    records += Suppressed(day * kDay, 1, "u.service");
  Journal("system@0.journal", records);
  boost::filesystem::remove(folder_.path() / "var/log/journal" / kMachine /
                            "system.journal");
  rows = Rows();
  EXPECT_THAT(rows, testing::Contains(HasSubstr(
                        fmt::format(" {0}-{0} ", 119 * kDay))));
  EXPECT_THAT(rows, testing::Not(testing::Contains(HasSubstr(" 0-0 "))))
      << "the oldest are left out";
}

// Who floods the journal with such words does not hide the last of them.
TEST_F(JournalDropsTest, OfVeryManyRecordsTheLatestAreRead) {
  std::string records = Suppressed(1, 1, "first.service");
  for (int i = 0; i < 100'000; ++i)
    records += Suppressed(2 + i / 10, 1, "many.service");
  records += Suppressed(20'000, 1, "last.service");
  Journal("system@0.journal", records);
  const auto rows = Rows();
  EXPECT_THAT(rows, testing::Contains(HasSubstr("last.service")));
  EXPECT_THAT(rows, testing::Not(testing::Contains(HasSubstr("first.service"))));
  EXPECT_THAT(rows, testing::Contains(HasSubstr(
                        "what was dropped: more than 100000 records")));
}

// With $PrivDropToUser it is no longer root, and its unit tells it apart.
TEST_F(JournalDropsTest, RsyslogMayHaveAnAccountOfItsOwn) {
  const auto of = [](const std::string& fields, int lost) {
    return Record(40, "_TRANSPORT=syslog\nSYSLOG_IDENTIFIER=rsyslogd\n" + fields,
                  fmt::format("imuxsock lost {} messages from pid 1 due to "
                              "rate-limiting",
                              lost));
  };
  const std::string exe = "_EXE=/usr/sbin/rsyslogd\n", uid = "_UID=104\n",
                    unit = "_SYSTEMD_UNIT=rsyslog.service\n";
  Journal("system.journal",
          of(uid + exe, 1) + of(uid + unit, 2) +
              of(uid + unit + "_EXE=/usr/bin/logger\n", 3) +
              of(uid + exe + "_SYSTEMD_UNIT=user@104.service\n"
                             "_SYSTEMD_USER_UNIT=rsyslog.service\n", 4));
  EXPECT_THAT(Rows(), IsEmpty());
  Journal("system.journal", of(uid + exe + unit, 7));
  EXPECT_THAT(Rows(), testing::ElementsAre(
                          HasSubstr("7 records dropped by the rate limit")));
}

TEST_F(JournalDropsTest, IsReadOnce) {
  Journal("system@1.journal", Suppressed(10, 1, "a.service"));
  Journal("system.journal", Suppressed(20, 2, "b.service"));
  // One that was rotated just now would be looked at again.
  boost::filesystem::last_write_time(
      folder_.path() / "var/log/journal" / kMachine / "system@1.journal",
      std::time(nullptr) - 3600);
  sleep(2);  // a file that has just been written is not trusted to be as it was
  const Collector collector{"log_gaps", CollectLogGaps};
  const v1::Outcome first = RunCollector(host_, collector);
  EXPECT_FALSE(first.recorded().live());
  v1::Recorded changed = first.recorded();
  for (v1::Answer& answer : *changed.mutable_answers())
    if (answer.argv(0) == "drops") answer.set_output("read\n");
  v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(first.canonical()));
  EXPECT_EQ(snapshot.log_gaps_size(), 2);
  const std::string without =
      RunCollector(host_, collector, changed).canonical();
  ASSERT_TRUE(snapshot.ParseFromString(without));
  EXPECT_EQ(snapshot.log_gaps_size(), 0) << "what is remembered is taken";
}

TEST(JournalDrops, AreALineAndBack) {
  const std::vector<JournalDrop> drops = {
      {DropOf::kSyslog, "records not forwarded", 1, 2, 3},
      {DropOf::kAudit, "", 0, 0, 0}};
  EXPECT_EQ(DropsFromText(ToText(drops[0]) + "\n" + ToText(drops[1]) + "\n"),
            drops);
  EXPECT_THAT(DropsFromText("\n1 2\n3 1 1 1 x\n-1 1 1 1 x\n1 x 1 1 y\n"),
              IsEmpty());
}

}  // namespace
}  // namespace metsuke
