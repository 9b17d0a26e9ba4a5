// What of a log that was there is gone, and is in no rotated file.

#include "collectors/log_shrunk.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <utmp.h>

#include <boost/filesystem/operations.hpp>
#include <cstring>
#include <ctime>

#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "proto/event_words.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/packed.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

namespace fs = boost::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kDay = 86400, kNow = 1'795'392'000;
constexpr int64_t kMiB = 1 << 20;

TEST(LogShrunk, WhatIsAsLongAndBeginsTheSameLostNothing) {
  const LogHeld before{.size = 5000, .head_bytes = 1024};
  const auto lost = [&](const LogNow& now,
                        LogFormat format = LogFormat::kText) {
    return LostSince(before, format, now).value_or("");
  };
  EXPECT_EQ(lost({.there = true, .size = 5000, .same_head = true}), "");
  EXPECT_EQ(lost({.there = true, .size = 9000, .same_head = true}), "");
  EXPECT_THAT(lost({.there = true, .size = 9000}), HasSubstr("begins anew"));
  EXPECT_THAT(lost({.there = true, .size = 4999, .same_head = true}),
              HasSubstr("shrank from 5000 to 4999 bytes"));
  EXPECT_THAT(lost({.there = true}), HasSubstr("was emptied"));
  EXPECT_THAT(lost({}), HasSubstr("is gone"));
  EXPECT_THAT(lost({.other = "a FIFO"}), HasSubstr("is a FIFO now"));
  // Databases are written over.
  for (const LogFormat format : {LogFormat::kLastlog, LogFormat::kWtmpdb}) {
    EXPECT_EQ(lost({.there = true, .size = 4096}, format), "");
    EXPECT_THAT(lost({.there = true}, format), HasSubstr("was emptied"));
    EXPECT_THAT(lost({}, format), HasSubstr("is gone"));
  }
  EXPECT_EQ(LostSince(LogHeld{}, LogFormat::kText, {}), std::nullopt);
}

// Files of 8 MiB, one a day.
std::vector<JournalHeld> Files(int first, int last) {
  std::vector<JournalHeld> files;
  for (int i = first; i <= last; ++i)
    files.push_back({fmt::format("system@{}.journal", i), "ab",
                     static_cast<uint64_t>(i * 100), kNow + i * kDay,
                     kNow + (i + 1) * kDay - 1, 8 * kMiB});
  return files;
}

std::string Lost(const std::vector<JournalHeld>& before,
                 const std::vector<JournalHeld>& after, JournalRoom room,
                 const std::vector<std::string>& unread = {}) {
  if (room.free == 0) room.free = 1024 * kMiB;
  const auto loss = LostSince(before, after, unread, room, kNow + 20 * kDay);
  return loss
             ? fmt::format("{} {} {}", loss->files, (loss->since - kNow) / kDay,
                           (loss->until - kNow) / kDay)
             : "";
}

TEST(LogShrunk, JournaldTakesTheOldestWhenALimitIsPassed) {
  EXPECT_EQ(Lost(Files(0, 9), Files(0, 10), {}), "");
  EXPECT_EQ(Lost(Files(0, 9), Files(4, 9), {}), "4 0 4");
  EXPECT_EQ(Lost(Files(0, 9), {}, {}), "10 0 20");
  // By size: with the last one that went there was too much.
  EXPECT_EQ(Lost(Files(0, 9), Files(2, 10), {.most_bytes = 80 * kMiB}), "");
  EXPECT_EQ(Lost(Files(0, 9), Files(8, 9), {.most_bytes = 80 * kMiB}), "8 0 8");
  // By number and by age.
  EXPECT_EQ(Lost(Files(0, 9), Files(2, 10), {.most_files = 10}), "");
  EXPECT_EQ(Lost(Files(0, 9), Files(5, 10), {.most_files = 10}), "5 0 5");
  EXPECT_EQ(Lost(Files(0, 9), Files(3, 10), {.seconds = 18 * kDay}), "");
  EXPECT_EQ(Lost(Files(0, 9), Files(5, 10), {.seconds = 18 * kDay}), "5 0 5");
  // By what others leave of the disk.
  EXPECT_EQ(Lost(Files(0, 9), Files(5, 9),
                 {.keep_free = 200 * kMiB, .free = 205 * kMiB}),
            "");
  EXPECT_EQ(Lost(Files(0, 9), Files(5, 9),
                 {.keep_free = 200 * kMiB, .free = 400 * kMiB}),
            "5 0 5");
  // Rotated it has another name; damaged it is there.
  auto renamed = Files(0, 9);
  renamed[9].name = "system.journal";
  EXPECT_EQ(Lost(renamed, Files(0, 9), {}), "");
  EXPECT_EQ(Lost(Files(0, 9), Files(1, 9), {}, {"system@0.journal"}), "");
}

TEST(LogShrunk, WhatIsLeftFromLookToLookIsReadAgain) {
  LogMemory memory;
  memory.looked = kNow;
  memory.logs["/var/log/a log"] = {5, 1, 2, 3, 4, LogHeadOf("x"), 5};
  memory.journals["/var/log/journal/1"] = Files(0, 1);
  memory.told.push_back(
      {kNow, 1, 2, "auth", "/var/log/auth log", "cleared: x"});
  const LogMemory read = LogMemory::FromText(memory.ToText());
  EXPECT_EQ(read.looked, kNow);
  EXPECT_EQ(read.logs, memory.logs);
  EXPECT_EQ(read.journals, memory.journals);
  EXPECT_EQ(read.told, memory.told);
  for (const char* text : {"", "F 1 2", "J 1 2 3 4 x", "T 1", "x\n\nL", "F"})
    EXPECT_EQ(LogMemory::FromText(text).ToText(), "L 0\n") << text;
}

TEST(LogShrunk, ARowStaysForAWeekAndAsLongAsTheLogReachesFurtherBack) {
  const auto left = [](int64_t age, int64_t oldest) {
    LogMemory memory;
    memory.told.push_back({kNow - age, 1000, 2000, "auth", "/a", "x"});
    memory.Forget(kNow, [&](const std::string&) { return oldest; });
    return memory.told.size();
  };
  EXPECT_EQ(left(kDay, 0), 1u);
  EXPECT_EQ(left(kDay, 5000), 1u);
  EXPECT_EQ(left(8 * kDay, 5000), 0u);
  EXPECT_EQ(left(8 * kDay, 0), 0u);
  EXPECT_EQ(left(8 * kDay, 500), 1u);
}

constexpr char kRules[] =
    "/var/log/auth.log /var/log/syslog /var/log/kern.log {\n rotate 4\n "
    "weekly\n}\n";

class ClearingTest : public testing::Test {
 protected:
  ClearingTest() : host_(folder_.path()) {
    folder_.Write("usr/sbin/logrotate", "");
    folder_.Write("etc/logrotate.conf", kRules);
  }

  fs::path At(const std::string& name) {
    return folder_.path() / "var/log" / name;
  }

  // Records of the last `count` minutes but `from`, last changed so long ago.
  std::string Records(int from, int count) {
    std::string text;
    const std::time_t now = std::time(nullptr);
    for (int i = from + count; i > from; --i) {
      const std::time_t at = now - i * 60;
      char time[32];
      strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S+00:00", gmtime(&at));
      text += fmt::format("{} h p: {}\n", time, i * 7919);
    }
    return text;
  }

  // A log of two hours, the last of whose records is an hour old.
  void Write(const std::string& name, const std::string& bytes) {
    folder_.Write("var/log/" + name, bytes);
    fs::last_write_time(At(name), std::time(nullptr) - 3600);
  }
  std::string Hours() { return Records(60, 120); }

  // What is new in log_gaps since a look, of this kind.
  std::vector<std::string> Look() {
    outcome_ =
        RunCollector(host_, {"log_gaps", CollectLogGaps}, outcome_.recorded());
    v1::Snapshot snapshot;
    EXPECT_TRUE(snapshot.ParseFromString(outcome_.canonical()));
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      if (row.reason().starts_with(kCleared))
        rows.push_back(fmt::format(
            "{} {}", row.path().substr(row.path().rfind('/') + 1),
            row.reason().substr(kCleared.size(),
                                row.reason().find(',') - kCleared.size())));
    return rows;
  }

  HostFolder folder_;
  const Host host_;
  v1::Outcome outcome_;
};

TEST_F(ClearingTest, WhatIsTakenAwayIsTold) {
  utmp record{};
  record.ut_type = USER_PROCESS;
  record.ut_tv.tv_sec = static_cast<int32_t>(std::time(nullptr) - 4000);
  const std::string login(reinterpret_cast<const char*>(&record),
                          sizeof record);
  for (const char* name : {"auth.log", "syslog", "kern.log"})
    Write(name, Hours());
  Write("wtmp", login);
  Write("btmp", login);
  const auto size = fs::file_size(At("syslog"));
  EXPECT_THAT(Look(), IsEmpty());
  folder_.Write("var/log/auth.log", "");
  fs::resize_file(At("syslog"), 100);
  fs::remove(At("wtmp"));
  folder_.Write("var/log/btmp", "");
  fs::remove(At("kern.log"));
  ASSERT_EQ(mkfifo(At("kern.log").c_str(), 0600), 0);
  EXPECT_THAT(
      Look(),
      testing::UnorderedElementsAre(
          "auth.log was emptied",
          fmt::format("syslog shrank from {} to 100 bytes", size),
          "kern.log is a FIFO now", "btmp was emptied", "wtmp is gone"));
  // And stays so, once.
  Write("auth.log", Records(0, 10));
  EXPECT_EQ(Look().size(), 5u);
  EXPECT_EQ(Look().size(), 5u);
}

TEST_F(ClearingTest, TheHoleIsFromWhatIsLeftToWhatFollows) {
  const std::string text = Hours();
  Write("auth.log", text);
  Look();
  Write("auth.log", text.substr(0, text.size() / 2));
  Look();
  v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(outcome_.canonical()));
  const int64_t now = std::time(nullptr);
  bool found = false;
  for (const v1::LogGap& row : snapshot.log_gaps()) {
    if (!row.reason().starts_with(kCleared)) continue;
    found = true;
    EXPECT_NEAR(static_cast<double>(row.since()),
                static_cast<double>(now - 121 * 60), 130);
    EXPECT_NEAR(static_cast<double>(row.until()), static_cast<double>(now), 5);
  }
  EXPECT_TRUE(found);
}

// What is rewritten at once is as gone, if it is not found again.
TEST_F(ClearingTest, AnotherBeginningIsTold) {
  Write("auth.log", Hours());
  Look();
  folder_.Write("var/log/auth.log", Records(0, 600));
  EXPECT_THAT(Look(), ElementsAre("auth.log begins anew"));
}

TEST_F(ClearingTest, RotationTakesNothing) {
  const std::string text = Hours();
  // How it is called, and what is compressed.
  const std::pair<const char*, const char*> names[] = {
      {"auth.log.1", ""},
      {"auth.log.1.gz", ".gz"},
      {"auth.log.2.xz", ".xz"},
      {"auth.log-20261123", ""},
      {"auth.log-20261123.zst", ".zst"},
      {"auth-20261123.log", ""},
      {"auth.log.0", ""}};
  for (const auto& [name, packed] : names) {
    for (const bool create : {true, false}) {
      fs::remove_all(folder_.path() / "var/log");
      outcome_ = {};
      Write("auth.log", text);
      EXPECT_THAT(Look(), IsEmpty());
      Write(name, *packed == '\0' ? text + Records(50, 5)
                                  : Packed(packed, text + Records(50, 5)));
      if (create)
        folder_.Write("var/log/auth.log", "");
      else
        fs::remove(At("auth.log"));
      EXPECT_THAT(Look(), IsEmpty()) << name;
    }
  }
}

TEST_F(ClearingTest, WhatIsRotatedToAnotherFolderOrRemovedByRuleIsNotTold) {
  folder_.Write("etc/logrotate.conf",
                "/var/log/auth.log {\n rotate 4\n olddir old\n}\n"
                "/var/log/syslog {\n rotate 0\n}\n");
  Write("auth.log", Hours());
  Write("syslog", Hours());
  Look();
  fs::create_directories(At("old"));
  fs::rename(At("auth.log"), At("old/auth.log.1"));
  folder_.Write("var/log/auth.log", "");
  folder_.Write("var/log/syslog", "");
  EXPECT_THAT(Look(), IsEmpty());
}

// More often than files are kept, between two looks.
TEST_F(ClearingTest, RotationsUntilItIsGoneAreNotTold) {
  Write("auth.log", Hours());
  Look();
  for (const char* name : {"auth.log", "auth.log.1", "auth.log.2"}) {
    folder_.Write(std::string("var/log/") + name, Records(0, 3) + name);
    fs::last_write_time(At(name), std::time(nullptr) + 2);
  }
  EXPECT_THAT(Look(), IsEmpty());
}

// A rotated file that was there before holds something else.
TEST_F(ClearingTest, AnOlderRotatedFileIsNoSuccessor) {
  Write("auth.log", Hours());
  Write("auth.log.1", Records(600, 500));
  Look();
  folder_.Write("var/log/auth.log", "");
  EXPECT_THAT(Look(), ElementsAre("auth.log was emptied"));
}

TEST_F(ClearingTest, WhatAProgramWritesAnewEachTimeIsNoLog) {
  Write("boot.log", Hours());
  Write("app/run-2026-11.log", Records(60, 4000));
  Write("app/kept.log", Records(60, 4000));
  Look();
  folder_.Write("var/log/boot.log", "");
  folder_.Write("var/log/app/run-2026-11.log", "");
  folder_.Write("var/log/app/kept.log", "");
  EXPECT_THAT(Look(), ElementsAre("kept.log was emptied"));
}

// The first look after a start compares with nothing.
TEST_F(ClearingTest, WithoutAnEarlierLookNothingIsTold) {
  Write("auth.log", Hours());
  Look();
  outcome_ = {};
  folder_.Write("var/log/auth.log", "");
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(ClearingTest, WhatIsNoFileIsAGap) {
  fs::create_directories(At(""));
  ASSERT_EQ(mkfifo(At("app.log").c_str(), 0600), 0);
  Look();
  v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(outcome_.gaps()));
  std::vector<std::string> said;
  for (const v1::Gap& gap : snapshot.gaps())
    said.push_back(gap.subject() + " " + gap.reason());
  EXPECT_THAT(said, testing::Contains("/var/log/app.log is no regular file"));
}

}  // namespace
}  // namespace metsuke
