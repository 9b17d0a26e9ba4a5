#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <utmp.h>

#include <boost/filesystem.hpp>
#include <cstring>
#include <ctime>
#include <fstream>

#include "collectors/collector.h"
#include "collectors/log_names.h"
#include "collectors/log_reader.h"
#include "tests/unit/packed.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectLogFiles(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace fs = boost::filesystem;

constexpr int64_t kNov21 = 1795219200;  // 2026-11-21 00:00:00 UTC

// A TZif file of version 2 with one change, or none.
std::string Tzif(int32_t before, int64_t change, int32_t after) {
  const auto big = [](int64_t value, int size) {
    std::string bytes;
    for (int i = size; i-- > 0;) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
  };
  const auto header = [&](int changes, int types) {
    return "TZif2" + std::string(15, '\0') + big(0, 4) + big(0, 4) + big(0, 4) +
           big(changes, 4) + big(types, 4) + big(4, 4);
  };
  const std::string type = big(before, 4) + std::string(2, '\0');
  const std::string first = header(0, 1) + type + "ABC" + '\0';
  return first + header(1, 2) + big(change, 8) + '\1' + type + big(after, 4) +
         std::string(2, '\0') + "ABC" + '\0' + "\nJST-9\n";
}

TEST(LogTime, ReadsRfc3339) {
  const Zone utc;
  EXPECT_EQ(LogTime("2026-11-21T00:00:00Z x", utc, 0), kNov21);
  EXPECT_EQ(LogTime("2026-11-21T09:00:00.123456+09:00 x", utc, 0), kNov21);
  EXPECT_EQ(LogTime("2026-11-20T19:30:00-04:30", utc, 0), kNov21);
  EXPECT_FALSE(LogTime("2026-11-31T00:00:00Z", utc, 0));
  EXPECT_FALSE(LogTime("2026-11-21T24:00:00Z", utc, 0));
  EXPECT_FALSE(LogTime("", utc, 0));
}

TEST(LogTime, ReadsWhatApplicationsWrite) {
  const Zone tokyo(Tzif(32400, 0, 32400));
  for (const char* line :
       {"2026-11-21 09:00:00 install x", "2026-11-21T09:00:00 x",
        "2026-11-21 00:00:00Z", "2026-11-21 00:00:00.123 UTC [7] LOG:  x",
        "2026-11-21 09:00:00,123 +0900 x", "[2026-11-21 09:00:00] x",
        "Start-Date: 2026-11-21  09:00:00", "2026/11/21 09:00:00 [error] x",
        "update-alternatives 2026-11-21 09:00:00: run",
        "{\"time\":\"2026-11-21T00:00:00+00:00\"}",
        "[Sat Nov 21 09:00:00.123456 2026] [core:notice] x",
        "[Sat Nov 21 09:00:00 2026] x",
        "192.0.2.1 - - [21/Nov/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1",
        "192.0.2.1 - - [20/Nov/2026:19:30:00 -0430] \"GET /\" 200 1"})
    EXPECT_EQ(LogTime(line, tokyo, kNov21), kNov21) << line;
  for (const char* line :
       {"2026-11-21", "2026-11-21x09:00:00", "2026-13-21 09:00:00", "[21/Nov/2026",
        "192.0.2.1 - - [21/Nov/2026:00:00:00] x", "[Sat Nov 21 09:00:00]",
        "12026-11-21 09:00:00", "[32/Nov/2026:00:00:00 +0000]"})
    EXPECT_FALSE(LogTime(line, tokyo, kNov21)) << line;
}

// What stands in front of the server's own time and behind it is the client's.
TEST(LogTime, IsNotAClientsInAnAccessLog) {
  EXPECT_EQ(LogTime("192.0.2.1 - [01/Jan/1990:00:00:00 +0000] "
                    "[21/Nov/2026:00:00:00 +0000] \"GET "
                    "/[01/Jan/1990:00:00:00 +0000] HTTP/1.1\" 404 0",
                    {}, kNov21),
            kNov21);
  EXPECT_EQ(LogTime("192.0.2.1 - 1990-01-01 00:00:00 "
                    "[21/Nov/2026:00:00:00 +0000] \"GET /\" 200 0",
                    {}, kNov21),
            kNov21);
  EXPECT_EQ(LogTime("192.0.2.1 - [01/Jan/1990:00:00:00 +0000]\\\" "
                    "[21/Nov/2026:00:00:00 +0000] \"GET /audit(1) HTTP/1.1\"",
                    {}, kNov21),
            kNov21);
}

TEST(LogTime, ReadsRfc3164AndFindsTheYear) {
  const Zone utc;
  EXPECT_EQ(LogTime("Nov 21 00:00:00 host x", utc, kNov21), kNov21);
  EXPECT_EQ(LogTime("Nov  1 00:00:00 host", utc, kNov21), kNov21 - 20 * 86400);
  // In December last year, for it is November.
  EXPECT_EQ(LogTime("Dec 31 00:00:00 host", utc, kNov21),
            kNov21 + 40 * 86400 - 365 * 86400);
  // A clock a little ahead is no reason to go back a year.
  EXPECT_EQ(LogTime("Nov 21 12:00:00 host", utc, kNov21), kNov21 + 43200);
  // The last leap year before 2026.
  EXPECT_EQ(LogTime("Feb 29 00:00:00 host", utc, kNov21), 1709164800);
  // Just after New Year's Eve in a file changed on it.
  EXPECT_EQ(LogTime("Jan  1 00:00:01 host", utc, 1798761599), 1798761601);
  EXPECT_FALSE(LogTime("Nov 21 0:00:00", utc, kNov21));
  EXPECT_FALSE(LogTime("ovN 21 00:00:00", utc, kNov21));
  EXPECT_FALSE(LogTime("Feb 30 00:00:00", utc, kNov21));
}

TEST(LogTime, ReadsAuditRecords) {
  EXPECT_EQ(LogTime("type=SYSCALL msg=audit(1700000000.123:456): x", {}, 0),
            1700000000);
  EXPECT_FALSE(LogTime("type=SYSCALL msg=audit(x)", {}, 0));
  EXPECT_FALSE(LogTime("audit(", {}, 0));
}

TEST(LogTime, TheWallClockFollowsTheZone) {
  const Zone tokyo(Tzif(32400, 0, 32400));
  EXPECT_EQ(LogTime("Nov 21 09:00:00", tokyo, kNov21), kNov21);
  // One hour is skipped at kNov21: from 00:00 on the wall to 01:00.
  const Zone summer(Tzif(0, kNov21, 3600));
  EXPECT_EQ(summer.ToUtc(kNov21 - 1), kNov21 - 1);
  EXPECT_EQ(summer.ToUtc(kNov21 + 3600), kNov21);
  EXPECT_EQ(summer.ToUtc(kNov21 + 86400 * 3), kNov21 + 86400 * 3 - 3600);
  // One hour is lived twice; the first of them counts.
  const Zone winter(Tzif(3600, kNov21, 0));
  EXPECT_EQ(winter.ToUtc(kNov21 + 1800), kNov21 - 1800);
  EXPECT_EQ(winter.ToUtc(kNov21 + 3600), kNov21 + 3600);
}

TEST(LogTime, ATornZoneIsUtc) {
  const std::string whole = Tzif(32400, 0, 32400);
  EXPECT_EQ(Zone("").ToUtc(5), 5);
  EXPECT_EQ(Zone(std::string(100, '\xff')).ToUtc(5), 5);
  EXPECT_EQ(Zone("TZif2" + std::string(100, '\xff')).ToUtc(5), 5);
  for (size_t size = 0; size < whole.size() - 7; ++size)
    EXPECT_EQ(Zone(whole.substr(0, size)).ToUtc(5), 5) << size;
}

TEST(LogReader, KnowsItsPieces) {
  for (const char* name : {"syslog", "syslog.1", "syslog.2.gz",
                           "syslog-20261121", "syslog-20261121.zst",
                           "syslog-2026-11-21_12.xz"})
    EXPECT_EQ(LogBase(name), "syslog") << name;
  for (const char* name : {"syslogd", "syslog.old", "syslog.gz", "syslog.",
                           "asyslog", "syslog-"})
    EXPECT_NE(LogBase(name), "syslog") << name;
  EXPECT_EQ(LogBase("wtmp_20261121_000000.db"), "wtmp.db");
}

std::string Utmp(short type, int32_t seconds) {
  utmp record{};
  record.ut_type = type;
  record.ut_tv.tv_sec = seconds;
  return {reinterpret_cast<char*>(&record), sizeof record};
}

class LogFiles : public ::testing::Test {
 protected:
  LogFiles() : root_(fs::temp_directory_path() / fs::unique_path()) {
    fs::create_directories(root_);
    Write("etc/passwd", "root:x:0:0::/root:/bin/sh\nsyslog:x:104:4::/:/x\n");
    Write("etc/group", "root:x:0:\nadm:x:4:syslog\n");
  }
  ~LogFiles() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& bytes) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_.string() + "/" + path) << bytes;
  }

  // A log that was last changed at `modified`.
  void Log(const std::string& path, int64_t modified, const std::string& bytes) {
    Write(path, bytes);
    attributes_ += fmt::format("640 104 4 {} /{}\n", modified, path);
    Write("attributes", attributes_);
  }

  std::vector<std::string> Rows() {
    const RecordedHost host(root_);
    snapshot_.Clear();
    EXPECT_TRUE(CollectLogFiles(host, snapshot_).ok());
    std::vector<std::string> lines;
    for (const v1::LogFile& r : snapshot_.log_files())
      lines.push_back(fmt::format("{} {} {}..{} {} in {} {} {}:{}", r.source(),
                                  r.path(), r.oldest(), r.newest(),
                                  r.size_bytes(), r.files(), r.mode(),
                                  r.owner(), r.group()));
    return lines;
  }

  std::vector<std::string> Gaps() const {
    std::vector<std::string> lines;
    for (const v1::Gap& gap : snapshot_.gaps()) lines.push_back(gap.subject());
    return lines;
  }

  const fs::path root_;
  std::string attributes_;
  v1::Snapshot snapshot_;
};

TEST_F(LogFiles, AHostWithoutLogsHasNoRows) {
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(LogFiles, ALogReachesFromItsOldestFileToItsNewest) {
  Log("var/log/syslog", kNov21, "2026-11-20T00:00:00Z a\n2026-11-20T23:59:00Z b\n");
  Log("var/log/syslog.1", kNov21 - 86400, "2026-11-13T00:00:00Z x\n");
  Log("var/log/syslog.2.gz", kNov21 - 7 * 86400, Gzip("Nov  1 00:00:00 y\n"));
  Log("var/log/syslog.other", 1, "2000-01-01T00:00:00Z\n");
  EXPECT_THAT(Rows(), ElementsAre(fmt::format(
                          "syslog /var/log/syslog {}..{} 100 in 3 0640 syslog:adm",
                          kNov21 - 20 * 86400, kNov21 - 60)));
}

TEST_F(LogFiles, TheEndOfALogThatIsBeingWrittenIsToldToTheHour) {
  const int64_t now = std::time(nullptr);
  for (const int64_t last : {now - 3602, now - 3500, now - 1}) {
    const int64_t first = now - 86400;
    Log("var/log/wtmp", now,
        Utmp(USER_PROCESS, static_cast<int32_t>(first)) +
            Utmp(USER_PROCESS, static_cast<int32_t>(last)));
    EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                            "wtmp /var/log/wtmp {}..{} ", first,
                            last < now - 3600 ? last : last / 3600 * 3600))));
  }
}

TEST_F(LogFiles, DatedFilesAreOrderedByTheirTimes) {
  Log("var/log/secure", kNov21, "Nov 20 10:00:00 c\n");
  Log("var/log/secure-20261115", kNov21 - 6 * 86400, "Nov 14 00:00:00 b\n");
  Log("var/log/secure-20261108", kNov21 - 13 * 86400, "Nov  7 00:00:00 a\n");
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                          "auth /var/log/secure {}..{} ", kNov21 - 14 * 86400,
                          kNov21 - 14 * 3600))));
}

// cp(1) and touch(1) leave other times than logrotate.
TEST_F(LogFiles, CopiedAndTouchedFilesAreInTheOrderOfTheirNames) {
  const int64_t from = kNov21 - 12 * 86400;
  Log("var/log/auth.log", kNov21, "2026-11-20T00:00:00Z x\n");
  Log("var/log/auth.log.1", kNov21, "2026-11-16T00:00:00Z x\n");
  Log("var/log/auth.log.2.gz", kNov21, Gzip("2026-11-09T00:00:00Z x\n"));
  Log("var/log/secure", kNov21 - 60, "2026-11-20T00:00:00Z x\n");
  Log("var/log/secure-20261116", kNov21 - 90, "2026-11-10T00:00:00Z x\n");
  Log("var/log/secure-20261109", kNov21, "2026-11-09T00:00:00Z x\n");
  EXPECT_THAT(
      Rows(),
      ElementsAre(::testing::StartsWith(fmt::format(
                      "auth /var/log/auth.log {}..{} ", from, kNov21 - 86400)),
                  ::testing::StartsWith(fmt::format("auth /var/log/secure {}..{} ",
                                                    from, kNov21 - 86400))));
}

// As Log4j does with fileIndex="max".
TEST_F(LogFiles, NumbersThatCountUpAreKnownByTheRecords) {
  Log("var/log/messages", kNov21, "2026-11-20T00:00:00Z x\n");
  Log("var/log/messages.2", kNov21 - 86400, "2026-11-16T00:00:00Z x\n");
  Log("var/log/messages.1", kNov21 - 5 * 86400, "2026-11-09T00:00:00Z x\n");
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                          "syslog /var/log/messages {}..{} ",
                          kNov21 - 12 * 86400, kNov21 - 86400))));
}

TEST_F(LogFiles, NoLogEndsBeforeItBegins) {
  const int64_t now = std::time(nullptr);
  Log("var/log/wtmp", now, Utmp(USER_PROCESS, now - 1) + Utmp(USER_PROCESS, now));
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectLogFiles(Host(root_), snapshot).ok());
  EXPECT_GE(snapshot.log_files(0).newest(), snapshot.log_files(0).oldest());
}

TEST_F(LogFiles, WhatRotatedFilesLetOthersDoIsTold) {
  Log("var/log/auth.log", kNov21, "2026-11-20T00:00:00Z x\n");
  Log("var/log/auth.log.1", kNov21 - 10, "2026-11-16T00:00:00Z x\n");
  Log("var/log/auth.log.2.gz", kNov21 - 20, Gzip("2026-11-09T00:00:00Z x\n"));
  fs::permissions(root_ / "var/log/auth.log.1", fs::perms(0600));
  fs::permissions(root_ / "var/log/auth.log.2.gz", fs::perms(0644));
  Log("var/log/btmp", kNov21, "");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectLogFiles(Host(root_), snapshot).ok());
  EXPECT_EQ(snapshot.log_files(0).rotated_mode(), "0644");
  EXPECT_EQ(snapshot.log_files(1).rotated_mode(), "");
}

TEST_F(LogFiles, AnEmptyCurrentFileLeavesTheOneBefore) {
  Log("var/log/auth.log", kNov21, "");
  Log("var/log/auth.log.1.zst", kNov21 - 10, Zstd("2026-11-13T00:00:00Z x\n"));
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                          "auth /var/log/auth.log {}..{} ",
                          kNov21 - 8 * 86400, kNov21 - 10))));
}

TEST_F(LogFiles, OnlyTheEndsOfALargeLogAreRead) {
  std::string text = "2026-11-01T00:00:00Z first\n";
  for (int i = 0; i < 20000; ++i) text += "no time in this line at all\n";
  Log("var/log/messages", kNov21, text + "2026-11-20T01:02:03Z last\n partial");
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                          "syslog /var/log/messages {}..{} 560000 ",
                          kNov21 - 20 * 86400, kNov21 - 86400 + 3723))));
}

TEST_F(LogFiles, LoginsAreRecords) {
  Log("var/log/wtmp", kNov21,
      Utmp(EMPTY, 5) + Utmp(BOOT_TIME, kNov21 - 999) + Utmp(USER_PROCESS, 0) +
          Utmp(USER_PROCESS, kNov21 + 7200) + Utmp(EMPTY, 9) + "torn");
  Log("var/log/btmp", kNov21, "");
  EXPECT_THAT(Rows(),
              ElementsAre(::testing::StartsWith(
                              fmt::format("wtmp /var/log/wtmp {}..{} ",
                                          kNov21 - 999, kNov21 + 7200)),
                          "btmp /var/log/btmp 0..0 0 in 1 0640 syslog:adm"));
}

TEST_F(LogFiles, ALongWtmpIsReadAtBothEnds) {
  std::string records;
  for (int i = 0; i < 1000; ++i) records += Utmp(USER_PROCESS, kNov21 + i * 60);
  Log("var/log/wtmp", kNov21, records);
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(
                          fmt::format("wtmp /var/log/wtmp {}..{} ", kNov21,
                                      kNov21 + 999 * 60))));
}

TEST_F(LogFiles, TheDatabaseOfWtmpdbIsRead) {
  fs::create_directories(root_ / "var/lib/wtmpdb");
  fs::create_directories(root_ / "var/log");
  sqlite3* db;
  const std::string path = root_.string() + "/var/log/wtmp.db";
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  const std::string sql = fmt::format(
      "PRAGMA journal_mode = WAL; CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, "
      "Type INTEGER, User TEXT NOT NULL, Login INTEGER, Logout INTEGER, TTY "
      "TEXT, RemoteHost TEXT, Service TEXT); INSERT INTO wtmp(User, Login, "
      "Logout) VALUES ('a', {0}000000, NULL), ('b', {1}000000, {2}000000)",
      kNov21, kNov21 + 60, kNov21 + 7300);
  ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  fs::create_symlink("../../log/wtmp.db", root_ / "var/lib/wtmpdb/wtmp.db");
  Log("var/log/btmp", 1, "");
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                                      "wtmp /var/log/wtmp.db {}..{} 8100 in 1 ",
                                      kNov21, kNov21 + 7300)),
                                  ::testing::StartsWith("btmp")));
}

TEST_F(LogFiles, WhatCannotBeReadIsAGap) {
  Log("var/log/syslog", kNov21, "2026-11-20T00:00:00Z a\n");
  Log("var/log/syslog.1.xz", kNov21 - 9, "xz");
  Log("var/log/auth.log", kNov21, "nothing like a time\n");
  Log("var/log/wtmp.db", kNov21, "no database");
  Log("var/log/btmp.1.gz", kNov21, "left behind");
  fs::create_directories(root_ / "var/log/secure");
  EXPECT_EQ(Rows().size(), 3);
  EXPECT_THAT(Gaps(), ElementsAre("/var/log/syslog.1.xz", "/var/log/auth.log",
                                  "/var/log/secure", "/var/log/wtmp.db"));
}

constexpr char kJournal[] = "var/log/journal/0123456789abcdef/";

// A header of 208 bytes, as systemd 219 had it.
std::string JournalHeader(uint64_t entries, uint64_t head, uint64_t tail) {
  std::string bytes = "LPKSHHRH" + std::string(200, '\0');
  const auto put = [&](size_t at, uint64_t value) {
    memcpy(bytes.data() + at, &value, sizeof value);
  };
  put(88, 208);
  put(152, entries);
  put(184, head * 1000000 + 5);
  put(192, tail * 1000000 + 5);
  return bytes;
}

TEST_F(LogFiles, AJournalReachesOverAllItsFiles) {
  Write("etc/machine-id", "0123456789abcdef\n");
  Write(std::string(kJournal) + "system.journal",
        JournalHeader(9, kNov21, kNov21 + 7300));
  Write(std::string(kJournal) + "system@1.journal~",
        JournalHeader(9, kNov21 - 99, kNov21));
  Write(std::string(kJournal) + "user-1.journal", JournalHeader(0, 0, 0));
  Write(std::string(kJournal) + "other", "");
  EXPECT_THAT(Rows(), ElementsAre(::testing::StartsWith(fmt::format(
                          "journal /{} {}..{} 620 in 3 ",
                          std::string(kJournal, sizeof kJournal - 2),
                          kNov21 - 99, kNov21 + 7300))));
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(LogFiles, EachJournalFileThatIsNoneIsAGap) {
  Write("etc/machine-id", "0123456789abcdef\n");
  const std::string good = JournalHeader(9, kNov21, kNov21 + 60);
  Write(std::string(kJournal) + "a.journal", "garbage");
  Write(std::string(kJournal) + "b.journal", good.substr(0, 207));
  Write(std::string(kJournal) + "c.journal", std::string(4096, 'x'));
  Write(std::string(kJournal) + "d.journal", JournalHeader(9, 7, 5));
  Write(std::string(kJournal) + "e.journal", good);
  EXPECT_THAT(Rows(), ElementsAre(::testing::HasSubstr("in 5")));
  std::vector<std::string> gaps;
  for (const char name : {'a', 'b', 'c', 'd'})
    gaps.push_back(fmt::format("/{}{}.journal", kJournal, name));
  EXPECT_THAT(Gaps(), ::testing::ElementsAreArray(gaps));
}

TEST_F(LogFiles, JournalsOfAHostWithoutAMachineIdAreAGap) {
  Write(std::string(kJournal) + "a.journal", JournalHeader(9, 7, 9));
  fs::create_directories(root_ / "run/log/journal");
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(Gaps(), ElementsAre("/var/log/journal"));
}

TEST_F(LogFiles, TheNamesOfOwnersAreReadFromALargePasswd) {
  std::string passwd;
  while (passwd.size() < 2 << 20)
    passwd += fmt::format("u{0}:x:{0}:1::/:/bin/sh\n", 10000 + passwd.size());
  Write("etc/passwd", passwd + "syslog:x:104:1::/:/bin/sh\n");
  Log("var/log/syslog", kNov21, "2026-11-20T00:00:00Z a\n");
  EXPECT_THAT(Rows(), ElementsAre(::testing::HasSubstr("syslog:adm")));
  Write("etc/passwd", std::string(17 << 20, '#'));
  EXPECT_THAT(Rows(), ElementsAre(::testing::HasSubstr("104:adm")));
  EXPECT_THAT(Gaps(), ElementsAre("names of owners"));
}

}  // namespace
}  // namespace metsuke
