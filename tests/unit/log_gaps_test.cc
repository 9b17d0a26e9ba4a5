// The collector log_gaps on hosts made of folders.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utmp.h>

#include <cstring>
#include <ctime>

#include "absl/strings/ascii.h"
#include "collectors/collector.h"
#include "collectors/journals.h"
#include "proto/run.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/packed.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kMachine[] = "506cd7e4af1a4b3fa915e5b9018b068e";

class LogGapsTest : public testing::Test {
 protected:
  LogGapsTest() : host_(folder_.path()) {
    folder_.Write("etc/machine-id", std::string(kMachine) + "\n");
  }

  // The header of a journal file whose records `first` to `last` were written
  // at these seconds.
  void Journal(const std::string& name, uint64_t first, uint64_t last,
               uint64_t from, uint64_t until, char numbering = 'n') {
    std::string header(256, '\0');
    const auto put = [&](size_t at, uint64_t value) {
      memcpy(&header[at], &value, sizeof value);
    };
    header.replace(0, 8, "LPKSHHRH");
    header.replace(72, 16, std::string(16, numbering));
    put(88, 208);
    put(152, last - first + 1);
    put(160, last);
    put(168, first);
    put(184, from * 1'000'000);
    put(192, until * 1'000'000);
    folder_.Write(fmt::format("var/log/journal/{}/{}", kMachine, name), header);
  }

  void Log(const std::string& name, const std::string& from,
           const std::string& until) {
    folder_.Write("var/log/" + name,
                  fmt::format("{} h p: x\n{} h p: x\n", from, until));
  }

  std::vector<std::string> Rows() {
    v1::Snapshot snapshot;
    EXPECT_TRUE(CollectLogGaps(host_, snapshot).ok());
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      rows.push_back(fmt::format("{} {} {}-{} {}", row.source(),
                                 row.path().substr(row.path().rfind('/') + 1),
                                 row.since(), row.until(), row.reason()));
    // Nothing is run on an image: journal_damage_test.cc. What was dropped
    // stands in records, which these files have none of; libsystemd 257 opens
    // no such file.
    for (const v1::Gap& gap : snapshot.gaps())
      if (gap.reason().find("verified") == std::string::npos &&
          !gap.reason().starts_with("what was dropped: "))
        rows.push_back("gap: " + gap.reason());
    return rows;
  }

  HostFolder folder_;
  Host host_;
};

// As journald 252 does: one count for all files, a row of its own for each user.
TEST_F(LogGapsTest, NumbersThatAFileOfAnotherRowHasAreNotMissing) {
  Journal("system@1.journal", 467, 524, 1000, 2000, 's');
  Journal("system.journal", 525, 556, 2000, 3000, 's');
  Journal("user-1000@1.journal", 500, 522, 1500, 1990, 'u');
  Journal("user-1000.journal", 533, 550, 2200, 2900, 'u');
  EXPECT_THAT(Rows(), IsEmpty());
  // Of another time: the count of a journald that had lost its state.
  Journal("system@1.journal", 467, 524, 100, 200, 's');
  Journal("system.journal", 525, 556, 9000, 9900, 's');
  EXPECT_THAT(Rows(), ElementsAre("journal system.journal 1990-2200 records 523 "
                                  "to 532 are in no file"));
}

TEST_F(LogGapsTest, RecordsOfATimeAfterTheFileWasWrittenAreTold) {
  const int64_t now = std::time(nullptr);
  std::string records;
  for (const int64_t time : {now - 86400, int64_t{1956528000}}) {
    utmp record = {};
    record.ut_type = USER_PROCESS;
    record.ut_tv.tv_sec = static_cast<int32_t>(time);
    records.append(reinterpret_cast<const char*>(&record), sizeof record);
  }
  folder_.Write("var/log/btmp", records);
  EXPECT_THAT(Rows(),
              ElementsAre("btmp btmp 1956528000-1956528000 btmp has records of a "
                          "time after it was written: 2032-01-01T00:00:00Z"));
}

TEST_F(LogGapsTest, NumbersThatNoFileHasAreAGap) {
  Journal("system@1.journal", 1, 100, 1000, 2000);
  Journal("system@2.journal", 151, 200, 3000, 4000);
  Journal("system.journal", 201, 300, 4000, 5000);
  EXPECT_THAT(Rows(), ElementsAre("journal system.journal 2000-3000 records 101 "
                                  "to 150 are in no file"));
  // A user's file has some of them.
  Journal("user-1000@1.journal", 90, 149, 1900, 2500);
  EXPECT_THAT(Rows(), ElementsAre("journal system.journal 2500-3000 record 150 "
                                  "is in no file"));
  Journal("user-1000@1.journal", 90, 150, 1900, 2500);
  EXPECT_THAT(Rows(), IsEmpty());
  // One that ends before another does not end the row.
  Journal("user-1001@1.journal", 160, 170, 3100, 3200);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogGapsTest, OfVeryManyGapsSomeAreTold) {
  for (uint64_t i = 0; i <= 101; ++i)
    Journal(fmt::format("system@{:03}.journal", i), i * 10 + 1, i * 10 + 5,
            1000 + i * 10, 1005 + i * 10);
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 101u);
  EXPECT_EQ(rows.back(), "gap: 101 gaps, of which 100 are told");
  EXPECT_THAT(rows[99], testing::HasSubstr("records 996 to 1000"));
}

TEST_F(LogGapsTest, WhatBeginsAnotherRowOfNumbersIsNone) {
  Journal("system@1.journal", 1, 100, 1000, 2000);
  Journal("system@2.journal", 500, 600, 3000, 4000, 'm');
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogGapsTest, AFileThatWasNotClosedMayLackItsEnd) {
  Journal("system@1.journal~", 1, 100, 1000, 2000);
  EXPECT_THAT(Rows(), ElementsAre("journal system.journal 2000-0 "
                                  "system@1.journal~ was not closed: what "
                                  "followed may be lost"));
  Journal("user-1000.journal", 1, 100, 2100, 2200, 'm');
  Journal("system@3.journal", 101, 200, 2900, 3000, 'm');
  Journal("system.journal", 1, 100, 2500, 3000, 'm');
  EXPECT_THAT(Rows(), ElementsAre("journal system.journal 2000-2500 "
                                  "system@1.journal~ was not closed: what "
                                  "followed may be lost"));
}

// The numbers in headers are those that systemd's own program reads there.
TEST_F(LogGapsTest, HeadersSayWhatJournalctlSays) {
  const std::string folder =
      (folder_.path() / "var/log/journal" / kMachine).string();
  boost::filesystem::create_directories(folder);
  for (const int first : {1, 6}) {
    std::string records;
    for (int i = first; i < first + 5; ++i)
      records += fmt::format(
          "__REALTIME_TIMESTAMP={0}000000\n__MONOTONIC_TIMESTAMP={0}000000\n"
          "_BOOT_ID=0ca1ad2c000000000000000000000001\nMESSAGE=x\n\n",
          1'795'000'000 + i * 60);
    folder_.Write("records", records);
    const std::string file = folder + "/system.journal";
    ASSERT_TRUE(RunProgram({"/lib/systemd/systemd-journal-remote", "-o", file,
                            (folder_.path() / "records").string()},
                           RunOptions())
                    .ok());
    const auto said = RunProgram(
        {"/usr/bin/journalctl", "--header", "--file", file}, RunOptions());
    ASSERT_TRUE(said.ok()) << said.status();
    const auto files = ReadJournalFiles(
        host_, fmt::format("/var/log/journal/{}", kMachine),
        [](const std::string&, const std::string&) {});
    ASSERT_TRUE(files.ok()) << files.status();
    ASSERT_EQ(files->size(), 1u);
    const JournalFile& read = files->front();
    std::string id;
    for (const char byte : read.numbering)
      id += fmt::format("{:02x}", static_cast<uint8_t>(byte));
    EXPECT_EQ(read.last, static_cast<uint64_t>(first) + 4);
    for (const std::string& line :
         {"Sequential number ID: " + id,
          fmt::format("Head sequential number: {} (", read.first),
          fmt::format("Tail sequential number: {} (", read.last)})
      EXPECT_THAT(absl::AsciiStrToLower(*said),
                  testing::HasSubstr(absl::AsciiStrToLower(line)));
  }
}

// What a compressed file holds last says when the hole begins, not its last
// change, which is later than the next file's records where it was copied.
TEST_F(LogGapsTest, AHoleBeginsWithTheLastRecordOfACompressedFile) {
  Log("app.log", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
  folder_.Write("var/log/app.log.2.gz",
                Gzip("2026-11-10T00:00:00Z h p: x\n2026-11-11T00:00:00Z h p: x\n"));
  EXPECT_THAT(Rows(), ElementsAre("application app.log 1794355200-1795132800 a "
                                  "rotated file is missing between others"));
}

// Some programs give the newest file the highest number.
TEST_F(LogGapsTest, AHoleInNumbersThatCountUp) {
  Log("app.log.1", "2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z");
  Log("app.log.3", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
  EXPECT_THAT(Rows(), ElementsAre("application app.log 1794355200-1795132800 a "
                                  "rotated file is missing between others"));
}

TEST_F(LogGapsTest, NumbersOfRotatedFilesHaveNoHoles) {
  Log("app.log", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
  Log("app.log.1", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
  Log("app.log.2", "2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z");
  Log("other.log.1", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
  // savelog(8) begins with this number; what it means is not known.
  Log("saved.log.0", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
  Log("saved.log.2", "2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z");
  // Days of which nothing is to be kept are not numbers that are missing.
  Log("dated.log", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
  Log("dated.log.20261119", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
  Log("dated.log.20261112", "2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z");
  Log("short.log", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
  Log("short.log.1119", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
  Log("short.log.1112", "2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z");
  EXPECT_THAT(Rows(), IsEmpty());
  Log("app.log.4", "2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z");
  Log("app.log.8", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
  Log("app.log.old", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
  EXPECT_THAT(
      Rows(),
      UnorderedElementsAre("application app.log 1794355200-1794787200 a rotated "
                           "file is missing between others",
                           "application app.log 1793577600-1794268800 3 rotated "
                           "files are missing between others"));
}

TEST_F(LogGapsTest, OfAFileWithoutAHeaderNothingIsKnown) {
  folder_.Write(fmt::format("var/log/journal/{}/system.journal", kMachine), "x");
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0], testing::HasSubstr("no header of a journal"));
}

}  // namespace
}  // namespace metsuke
