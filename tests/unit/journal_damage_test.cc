#include "collectors/journal_damage.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstring>
#include <ctime>
#include <fstream>

#include "absl/strings/str_replace.h"
#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "proto/run.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kMachine[] = "506cd7e4af1a4b3fa915e5b9018b068e";
constexpr int64_t kBegin = 1'795'305'600;  // 2026-11-22 00:00 UTC

std::string Folder() { return fmt::format("/var/log/journal/{}", kMachine); }

// A folder in which this machine's journalctl looks at the files.
class VerifyingHost : public Host {
 public:
  explicit VerifyingHost(const boost::filesystem::path& root)
      : Host(root), at_(root.string()) {}

  bool Running() const override { return true; }
  int runs() const { return runs_; }
  // What it prints in place of the truth, or how it fails.
  std::string printed;
  absl::Status fails;

 protected:
  absl::StatusOr<std::string> RunForBytes(
      const std::vector<std::string>& argv,
      const RunOptions& options) const override {
    ++runs_;
    RETURN_IF_ERROR(fails);
    if (!printed.empty()) return printed;
    std::vector<std::string> there = argv;
    there.back() = absl::StrReplaceAll(
        argv.back(), {{"--file=", "--file=" + at_}});
    ASSIGN_OR_RETURN(const std::string output, RunProgram(there, options));
    return absl::StrReplaceAll(output, {{at_, ""}});
  }

 private:
  const std::string at_;
  mutable int runs_ = 0;
};

class JournalDamageTest : public testing::Test {
 protected:
  JournalDamageTest() : host_(folder_.path()) {}

  std::string At(const std::string& name) {
    return folder_.path().string() + Folder() + "/" + name;
  }

  // A journal of some hundred records, a minute apart, by systemd's own program.
  void Journal(const std::string& name, int first) {
    std::string records;
    for (int i = first; i < first + 500; ++i)
      records += fmt::format(
          "__REALTIME_TIMESTAMP={}000000\n__MONOTONIC_TIMESTAMP={}000000\n"
          "_BOOT_ID=0ca1ad2c000000000000000000000001\nMESSAGE=x {}\n\n",
          kBegin + i * 60, i + 1, i * 7919);
    folder_.Write("records", records);
    boost::filesystem::create_directories(folder_.path().string() + Folder());
    const auto made =
        RunProgram({"/lib/systemd/systemd-journal-remote", "-o",
                    At("new.journal"), (folder_.path() / "records").string()},
                   RunOptions());
    ASSERT_TRUE(made.ok()) << made.status();
    boost::filesystem::rename(At("new.journal"), At(name));
    Settle(name);
  }

  // As if nobody had touched it for an hour.
  void Settle(const std::string& name) {
    boost::filesystem::last_write_time(At(name), std::time(nullptr) - 3600);
  }

  // Turns bytes over, shortly before the last object.
  void Flip(const std::string& name) {
    std::fstream file(At(name), std::ios::in | std::ios::out | std::ios::binary);
    uint64_t tail = 0;
    file.seekg(136);  // tail_object_offset
    file.read(reinterpret_cast<char*>(&tail), sizeof tail);
    char bytes[64];
    file.seekg(static_cast<std::streamoff>(tail) - 2000);
    file.read(bytes, sizeof bytes);
    for (char& byte : bytes) byte = static_cast<char>(~byte);
    file.seekp(static_cast<std::streamoff>(tail) - 2000);
    file.write(bytes, sizeof bytes);
    file.close();
    Settle(name);
  }

  static VerifyBudget Budget() {
    return {.until = std::chrono::steady_clock::now() + std::chrono::seconds(20)};
  }

  std::vector<std::string> Rows(VerifyBudget budget = Budget()) {
    return RowsOf(host_, budget);
  }

  static std::vector<std::string> RowsOf(const Host& host, VerifyBudget budget) {
    v1::Snapshot snapshot;
    Gaps gaps("log_gaps", snapshot);
    const auto files = ReadJournalFiles(
        host, Folder(), [](const std::string&, const std::string&) {});
    std::vector<std::string> rows;
    for (const JournalDamage& damage :
         FindDamage(host, "journal", *files, budget, gaps))
      rows.push_back(damage.file->name + ": " + damage.why);
    for (const v1::Gap& gap : snapshot.gaps()) {
      // It makes nothing else unknown.
      EXPECT_THAT(gap.columns(), ElementsAre("damage"));
      rows.push_back(fmt::format("gap: {}: {}",
                                 gap.subject().substr(
                                     gap.subject().rfind('/') + 1),
                                 gap.reason()));
    }
    return rows;
  }

  // The rows of the table about files that are not whole.
  std::vector<std::string> Table() {
    folder_.Write("etc/machine-id", std::string(kMachine) + "\n");
    v1::Snapshot snapshot;
    EXPECT_TRUE(CollectLogGaps(host_, snapshot).ok());
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      rows.push_back(fmt::format("{}-{} {} [{}]", row.since(), row.until(),
                                 row.reason(), row.damage()));
    return rows;
  }

  HostFolder folder_;
  VerifyingHost host_;
};

TEST_F(JournalDamageTest, WhatDoesNotPassIsToldTheNewestFirst) {
  Journal("system@1.journal", 0);
  Journal("system@2.journal", 1000);
  Journal("user-1000@3.journal", 2000);
  Journal("system@4.journal~", 3000);
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_EQ(host_.runs(), 4);
  Flip("system@2.journal");
  Flip("system@4.journal~");
  // What journald has set aside it does not write any more.
  boost::filesystem::last_write_time(At("system@4.journal~"),
                                     std::time(nullptr) - 30);
  EXPECT_THAT(Rows(), ElementsAre("system@4.journal~: Bad message",
                                  "system@2.journal: Bad message"));
}

TEST_F(JournalDamageTest, EachFileHasOneRow) {
  Journal("system@2.journal", 1000);
  Journal("system@4.journal~", 3000);
  Journal("system@5.journal~", 5000);
  Flip("system@2.journal");
  Flip("system@4.journal~");
  EXPECT_THAT(
      Table(),
      testing::IsSupersetOf(
          {fmt::format("{}-{} system@2.journal does not pass journalctl --verify "
                       "[Bad message]",
                       kBegin + 60000, kBegin + 1499 * 60),
           fmt::format("{}-{} system@4.journal~ was not closed: what followed may "
                       "be lost [Bad message]",
                       kBegin + 3499 * 60, kBegin + 5000 * 60),
           fmt::format("{}-0 system@5.journal~ was not closed: what followed may "
                       "be lost []",
                       kBegin + 5499 * 60)}));
  for (const std::string& row : Table())
    EXPECT_THAT(row, testing::Not(HasSubstr("~ does not pass")));
}

TEST_F(JournalDamageTest, WhatIsNoFileIsNotVerified) {
  Journal("system@1.journal", 0);
  ASSERT_EQ(mkfifo(At("system@2.journal").c_str(), 0600), 0);
  EXPECT_THAT(Rows(), ElementsAre("gap: system@2.journal: was not verified: it "
                                  "is no regular file"));
  EXPECT_EQ(host_.runs(), 1);
}

TEST_F(JournalDamageTest, WhatCannotBeOpenedDoesNotPass) {
  Journal("system@1.journal", 0);
  boost::filesystem::resize_file(At("system@1.journal"), 100'000);
  Settle("system@1.journal");
  folder_.Write(Folder().substr(1) + "/system@2.journal",
                std::string(1000, 'x'));
  Settle("system@2.journal");
  EXPECT_THAT(Rows(),
              ElementsAre("system@1.journal: No data available",
                          "system@2.journal: Bad message"));
}

TEST_F(JournalDamageTest, WhatIsBeingWrittenIsNotVerified) {
  Journal("system.journal", 0);
  Flip("system.journal");
  Journal("user-1000.journal", 1000);
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_EQ(host_.runs(), 0);
  // Rotated just now, and not closed yet.
  Journal("system@1.journal", 0);
  Flip("system@1.journal");
  boost::filesystem::last_write_time(At("system@1.journal"),
                                     std::time(nullptr) - 30);
  EXPECT_THAT(Rows(), ElementsAre("gap: journal: not all of its files were "
                                  "verified yet"));
  EXPECT_EQ(host_.runs(), 0);
  // Closed (STATE_ARCHIVED).
  std::fstream file(At("system@1.journal"),
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(16);
  file.put(2);
  file.close();
  EXPECT_THAT(Rows(), ElementsAre("system@1.journal: Bad message"));
}

TEST_F(JournalDamageTest, WhatIsForAnotherRunIsSaid) {
  Journal("system@1.journal", 0);
  Journal("system@2.journal", 1000);
  Flip("system@1.journal");
  VerifyBudget small = Budget();
  small.bytes = static_cast<int64_t>(
      boost::filesystem::file_size(At("system@2.journal")));
  EXPECT_THAT(Rows(small), ElementsAre("gap: journal: not all of its files were "
                                       "verified yet"));
  EXPECT_EQ(host_.runs(), 1);
  VerifyBudget late = Budget();
  late.until = std::chrono::steady_clock::now();
  EXPECT_THAT(Rows(late), ElementsAre("gap: journal: not all of its files were "
                                      "verified yet"));
  EXPECT_EQ(host_.runs(), 1);
}

TEST_F(JournalDamageTest, WhatIsTooLargeIsSaid) {
  Journal("system@1.journal", 0);
  boost::filesystem::resize_file(At("system@1.journal"), (256 << 20) + 1);
  Settle("system@1.journal");
  EXPECT_THAT(Rows(), ElementsAre("gap: system@1.journal: was not verified: it "
                                  "is larger than 256 MiB"));
}

TEST_F(JournalDamageTest, WhatKeepsJournalctlFromLookingIsNoDamage) {
  Journal("system@1.journal", 0);
  Journal("system@2.journal", 1000);
  host_.printed = fmt::format(
      "Failed to create data file: Read-only file system\n"
      "File corruption detected at {0}/system@1.journal:000000 (of 1 bytes, "
      "0%).\n"
      "FAIL: {0}/system@1.journal (Read-only file system)\n",
      Folder());
  EXPECT_THAT(Rows(),
              UnorderedElementsAre(
                  "gap: system@1.journal: was not verified: "
                  "/usr/bin/journalctl: Read-only file system",
                  "gap: system@2.journal: was not verified: "
                  "/usr/bin/journalctl told neither PASS nor FAIL"));
  const Host image(folder_.path());
  EXPECT_THAT(RowsOf(image, Budget()),
              ElementsAre(HasSubstr("journal: its files are not verified")));
}

TEST_F(JournalDamageTest, EachIsVerifiedOnceWhileItIsAsItWas) {
  Journal("system@1.journal", 0);
  Journal("system@2.journal", 1000);
  Flip("system@2.journal");
  sleep(2);  // a file that has just been written is not trusted to be as it was
  static std::vector<std::string>* rows;
  rows = new std::vector<std::string>;
  const Collector collector{
      "log_gaps", [](const Host& host, v1::Snapshot&) {
        *rows = RowsOf(host, Budget());
        return absl::OkStatus();
      }};
  const v1::Outcome first = RunCollector(host_, collector);
  EXPECT_EQ(host_.runs(), 2);
  EXPECT_FALSE(first.recorded().live());
  EXPECT_THAT(*rows, ElementsAre("system@2.journal: Bad message"));
  const v1::Outcome second =
      RunCollector(host_, collector, first.recorded());
  EXPECT_EQ(host_.runs(), 2);
  EXPECT_THAT(*rows, ElementsAre("system@2.journal: Bad message"));
  Flip("system@1.journal");
  RunCollector(host_, collector, second.recorded());
  EXPECT_EQ(host_.runs(), 3);
  EXPECT_EQ(rows->size(), 2u);
  delete rows;
}

TEST_F(JournalDamageTest, OneThatCannotBeVerifiedHoldsUpNoOther) {
  Journal("system@1.journal", 0);
  sleep(2);  // as above
  static std::vector<std::string>* rows;
  static std::chrono::seconds time;
  rows = new std::vector<std::string>;
  const Collector collector{
      "log_gaps", [](const Host& host, v1::Snapshot&) {
        *rows = RowsOf(host, {.until = std::chrono::steady_clock::now() + time});
        return absl::OkStatus();
      }};
  host_.fails = absl::DeadlineExceededError("not done");
  // It had a part of the time that others have left.
  time = std::chrono::seconds(5);
  const v1::Outcome first = RunCollector(host_, collector);
  EXPECT_THAT(*rows, ElementsAre(HasSubstr("not all of its files")));
  time = std::chrono::seconds(11);
  const v1::Outcome second = RunCollector(host_, collector, first.recorded());
  EXPECT_THAT(*rows, ElementsAre("gap: system@1.journal: was not verified: not "
                                 "done"));
  EXPECT_EQ(host_.runs(), 2);
  RunCollector(host_, collector, second.recorded());
  EXPECT_THAT(*rows, ElementsAre("gap: system@1.journal: was not verified: not "
                                 "done"));
  EXPECT_EQ(host_.runs(), 2) << "it would take all the time again";
  delete rows;
}

TEST(JournalDamage, TheWordsOfJournalctlAreRead) {
  const auto said = [](const std::string& printed) {
    const auto why = ReadVerification(printed, "/j/system@1.journal");
    return why.ok() ? *why : Message(why.status());
  };
  EXPECT_EQ(said("PASS: /j/system@1.journal\n"), "");
  EXPECT_EQ(said("Journal file /j/system@1.journal has sealing enabled but\n"
                 "PASS: /j/system@1.journal\n"),
            "");
  EXPECT_EQ(said("15e8: Invalid\nFAIL: /j/system@1.journal (Bad message)\n"),
            "Bad message");
  EXPECT_EQ(said("Failed to open files: No data available\n"),
            "No data available");
  // Of another file.
  EXPECT_THAT(said("PASS: /j/system@11.journal\n"), HasSubstr("neither"));
  EXPECT_THAT(said("FAIL: /j/system@11.journal (Bad message)\n"),
              HasSubstr("neither"));
  EXPECT_THAT(said(""), HasSubstr("neither"));
  EXPECT_THAT(said("FAIL: /j/system@1.journal (Cannot allocate memory)\n"),
              HasSubstr("journalctl: Cannot allocate memory"));
  EXPECT_THAT(said("Failed to open files: Permission denied\n"),
              HasSubstr("journalctl: Permission denied"));
  // By a newer systemd.
  EXPECT_THAT(said("Failed to open files: Protocol not supported\n"),
              HasSubstr("journalctl: Protocol not supported"));
}

}  // namespace
}  // namespace metsuke
