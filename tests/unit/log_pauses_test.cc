// What log_gaps says of logs in the shapes that they have on hosts.

#include "collectors/log_pauses.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <utmp.h>

#include <boost/filesystem/operations.hpp>
#include <cstring>
#include <ctime>
#include <fstream>

#include "collectors/collector.h"
#include "collectors/host_off.h"
#include "collectors/journal_entries.h"
#include "collectors/log_places.h"
#include "collectors/outcome.h"
#include "proto/run.h"
#include "tests/unit/packed.h"
#include "tests/unit/host_folder.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

namespace fs = boost::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kMinute = 60, kHour = 3600, kDay = 24 * kHour;
constexpr int64_t kNow = 1'795'392'000;  // Monday, 2026-11-23 00:00 UTC

using Stamp = std::string (*)(int64_t);
std::string Rfc3339(int64_t time) {
  return fmt::format("{:%FT%T}+00:00", fmt::gmtime(time));
}
std::string Rfc3164(int64_t time) {
  return fmt::format("{:%b %e %T}", fmt::gmtime(time));
}
std::string Common(int64_t time) {
  return fmt::format(
      "192.0.2.1 - - [{:%d/%b/%Y:%T} +0000] \"GET / HTTP/1.1\" 200",
      fmt::gmtime(time));
}

// When there are records.
std::vector<int64_t> Each(int64_t step, int64_t from, int64_t until) {
  std::vector<int64_t> times;
  for (int64_t time = from; time < until; time += step) times.push_back(time);
  return times;
}
std::vector<int64_t> Without(std::vector<int64_t> times, int64_t from,
                             int64_t until) {
  std::erase_if(times, [&](int64_t t) { return t >= from && t < until; });
  return times;
}

std::string Text(const std::vector<int64_t>& times, Stamp stamp) {
  std::string text;
  for (const int64_t time : times)
    text += stamp(time) + " h p[12]: a record of some length, as they are\n";
  return text;
}

class LogPausesTest : public testing::Test {
 protected:
  LogPausesTest() : host_(folder_.path()) {}

  void Write(const std::string& name, const std::string& bytes,
             int64_t modified) {
    folder_.Write("var/log/" + name, bytes);
    fs::last_write_time(folder_.path() / "var/log" / name, modified);
  }
  void Log(const std::string& name, const std::vector<int64_t>& times,
           Stamp stamp = Rfc3339) {
    const std::string text = Text(times, stamp);
    Write(name, name.ends_with(".gz") ? Gzip(text) : text, times.back());
  }

  // Four weeks of a busy log, as logrotate leaves them.
  void Busy(const std::vector<int64_t>& times, Stamp stamp = Rfc3339) {
    std::map<int64_t, std::vector<int64_t>> weeks;
    for (const int64_t time : times)
      weeks[(kNow - 1 - time) / (7 * kDay)].push_back(time);
    for (const auto& [age, week] : weeks)
      Log(age == 0 ? "syslog"
                   : fmt::format("syslog.{}{}", age, age > 1 ? ".gz" : ""),
          week, stamp);
  }
  static std::vector<int64_t> FourWeeks() {
    return Each(2 * kMinute, kNow - 28 * kDay, kNow);
  }

  void Zone(const std::string& name) {
    folder_.Link("etc/localtime", "/usr/share/zoneinfo/" + name);
    fs::create_directories(
        (folder_.path() / "usr/share/zoneinfo" / name).parent_path());
    fs::copy_file("/usr/share/zoneinfo/" + name,
                  folder_.path() / "usr/share/zoneinfo" / name);
  }

  // wtmp with these boots; without a shutdown where `since` is 0.
  void Boots(const std::vector<Pause>& off) {
    std::string bytes;
    const auto add = [&](short type, const char* user, int64_t time) {
      utmp record{};
      record.ut_type = type;
      strncpy(record.ut_user, user, sizeof record.ut_user);
      record.ut_tv.tv_sec = static_cast<int32_t>(time);
      bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
    };
    for (const Pause& one : off) {
      if (one.since != 0) add(RUN_LVL, "shutdown", one.since);
      add(BOOT_TIME, "reboot", one.until);
      add(RUN_LVL, "runlevel", one.until + 5);
    }
    Write("wtmp", bytes, kNow);
  }

  std::vector<std::string> Rows() {
    v1::Snapshot snapshot;
    EXPECT_TRUE(CollectLogGaps(host_, snapshot).ok());
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      rows.push_back(fmt::format(
          "{} {} {} {}", row.path().substr(9),
          row.since() == 0 ? "0" : Rfc3339(row.since()).substr(0, 19),
          Rfc3339(row.until()).substr(0, 19), row.reason()));
    for (const v1::Gap& gap : snapshot.gaps())
      rows.push_back("gap: " + gap.reason());
    return rows;
  }

  HostFolder folder_;
  Host host_;
};

constexpr char kHole[] =
    "syslog 2026-11-18T02:58:00 2026-11-18T12:00:00 nothing for 9 hours";
constexpr int64_t kHoleBegins = kNow - 5 * kDay + 3 * kHour;
constexpr int64_t kHoleEnds = kHoleBegins + 9 * kHour;

TEST_F(LogPausesTest, ABusyLogWithoutAHoleIsWhole) {
  Busy(FourWeeks());
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, AHoleInABusyLogIsTold) {
  Busy(Without(FourWeeks(), kHoleBegins, kHoleEnds));
  EXPECT_THAT(Rows(), ElementsAre(kHole));
  // An hour is enough where no silence is longer than six minutes.
  Busy(Without(FourWeeks(), kHoleBegins, kHoleBegins + kHour));
  EXPECT_THAT(Rows(),
              ElementsAre(HasSubstr("T04:00:00 nothing for 62 minutes")));
}

TEST_F(LogPausesTest, AHoleInAPackedFileIsTold) {
  Busy(Without(FourWeeks(), kHoleBegins - 14 * kDay, kHoleEnds - 14 * kDay));
  EXPECT_THAT(
      Rows(),
      ElementsAre(HasSubstr("2026-11-04T02:58:00 2026-11-04T12:00:00")));
}

// A journal with these records, each of a boot, by systemd's own program.
class JournalPausesTest : public LogPausesTest {
 protected:
  struct Record {
    int64_t time;
    int boot;
  };
  void Journal(const std::string& name, const std::vector<Record>& records) {
    std::string text;
    for (const auto& [time, boot] : records)
      text += fmt::format(
          "__REALTIME_TIMESTAMP={}000000\n__MONOTONIC_TIMESTAMP={}000000\n"
          "_BOOT_ID=0ca1ad2c00000000000000000000000{}\nMESSAGE=x\n\n",
          time, ++monotonic_, boot);
    folder_.Write("etc/machine-id", "506cd7e4af1a4b3fa915e5b9018b068e\n");
    folder_.Write("records", text);
    const auto folder =
        folder_.path() / "var/log/journal/506cd7e4af1a4b3fa915e5b9018b068e";
    fs::create_directories(folder);
    fs::remove(folder / name);
    const auto made = RunProgram(
        {"/lib/systemd/systemd-journal-remote", "-o", (folder / name).string(),
         (folder_.path() / "records").string()},
        RunOptions());
    ASSERT_TRUE(made.ok()) << made.status();
  }
  static std::vector<Record> Of(const std::vector<int64_t>& times, int boot) {
    std::vector<Record> records;
    for (const int64_t time : times) records.push_back({time, boot});
    return records;
  }

 private:
  int64_t monotonic_ = 0;
};

TEST_F(JournalPausesTest, AHoleInAJournalIsTold) {
  const auto times = Each(5 * kMinute, kNow - 10 * kDay, kNow);
  Journal("system.journal", Of(times, 1));
  EXPECT_THAT(Rows(), IsEmpty());
  Journal("system.journal", Of(Without(times, kHoleBegins, kHoleEnds), 1));
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("2026-11-18T02:55:00 "
                                            "2026-11-18T12:00:00 nothing for 9 "
                                            "hours")));
}

TEST_F(JournalPausesTest, FilesOfUsersAreOfAnotherOrder) {
  Journal("system.journal", Of(Each(5 * kMinute, kNow - 10 * kDay, kNow), 1));
  Journal("user-1000.journal",
          Of(Each(5 * kMinute, kNow - 5 * kDay, kNow - 4 * kDay), 1));
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(JournalPausesTest, EachEntryIsFound) {
  const auto times = Each(5 * kMinute, kNow - 3 * kDay, kNow);
  Journal("system.journal", Of(times, 1));
  size_t left = 100'000;
  const auto rhythm = ReadJournalRhythm(
      host_, "/var/log/journal/506cd7e4af1a4b3fa915e5b9018b068e/system.journal",
      1, left);
  ASSERT_TRUE(rhythm.ok()) << rhythm.status();
  EXPECT_EQ(rhythm->records, times.size());
  ASSERT_EQ(rhythm->silences.size(), times.size() - 1);
  for (size_t i = 1; i < times.size(); ++i)
    EXPECT_EQ(rhythm->silences[i - 1], (Pause{times[i - 1], times[i]}));
}

TEST_F(JournalPausesTest, ItsBootsExplainSilences) {
  auto records = Of(Each(5 * kMinute, kNow - 10 * kDay, kHoleBegins), 1);
  for (const Record& record : Of(Each(5 * kMinute, kHoleEnds, kNow), 2))
    records.push_back(record);
  Busy(Without(FourWeeks(), kHoleBegins, kHoleEnds));
  EXPECT_THAT(Rows(), ElementsAre(kHole));
  Journal("system.journal", records);
  EXPECT_THAT(Rows(), IsEmpty());
  // The journal goes on for hours after the last record of the log.
  for (Record& record : records)
    record.boot = record.time < kHoleEnds - 2 * kHour ? 1 : 2;
  for (int64_t time = kHoleBegins; time < kHoleBegins + 5 * kHour;
       time += 5 * kMinute)
    records.insert(std::ranges::upper_bound(records, time, {}, &Record::time),
                   {time, 1});
  Journal("system.journal", records);
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("syslog 2026-11-18T02:58:00 "
                                            "2026-11-18T07:55:00 nothing for 4 "
                                            "hours")));
}

TEST_F(JournalPausesTest, TimeThatGoesBackInABootIsTold) {
  auto records = Of(Each(5 * kMinute, kNow - 10 * kDay, kNow), 1);
  for (Record& record : records)
    if (record.time >= kNow - 2 * kDay) record.time -= 3 * kHour;
  Journal("system.journal", records);
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("time goes back by 175 minutes")));
}

// As /var/log/cron of a host that has nothing else to do is.
TEST_F(LogPausesTest, AHoleAmongVeryManySilencesIsTold) {
  const auto times = Each(kHour, kNow - 90 * kDay, kNow);
  Log("cron", times);
  EXPECT_THAT(Rows(), IsEmpty());
  Log("cron", Without(times, kNow - 20 * kDay, kNow - 18 * kDay));
  EXPECT_THAT(Rows(), ElementsAre("cron 2026-11-02T23:00:00 2026-11-05T00:00:00 "
                                  "nothing for 49 hours"));
}

// What is told of a rhythm, without any log.
std::vector<std::string> Reasons(const class Zone& zone, const Rhythm& rhythm) {
  std::vector<std::string> reasons;
  for (const LogPause& pause :
       FindLogPauses(zone, {}, [&](int64_t) { return rhythm; }))
    reasons.push_back(pause.reason);
  return reasons;
}

TEST_F(LogPausesTest, ThreeStepsBackAreToldAndMoreAreHowALogIs) {
  Rhythm rhythm(kHour);
  for (const size_t steps : {3, 4}) {
    while (rhythm.steps.size() < steps) {
      const int64_t time = kNow + static_cast<int64_t>(rhythm.steps.size()) * kDay;
      rhythm.steps.push_back({time, time - 3 * kHour});
    }
    EXPECT_EQ(Reasons(metsuke::Zone(), rhythm).size(), steps == 3 ? 3u : 0u);
  }
}

// An hour and what records overtake each other by.
TEST_F(LogPausesTest, TheEndOfASummerTimeExplainsAnHourBack) {
  Zone("Europe/Berlin");
  const metsuke::Zone zone = ReadZone(host_);
  const int64_t end = kNow - 29 * kDay + kHour;  // 2026-10-25 01:00 UTC
  for (const auto& [back, explained] :
       {std::pair(kHour + kStepBack, true), {kHour + kStepBack + 1, false}}) {
    Rhythm rhythm(kHour);
    rhythm.steps = {{end, end - back}};
    EXPECT_EQ(Reasons(zone, rhythm).empty(), explained) << back;
    rhythm.steps = {{end - 40 * kDay, end - 40 * kDay - back}};
    EXPECT_EQ(Reasons(zone, rhythm).size(), 1u) << back;
  }
}

// Of few silences it matters how long the shorter ones are.
TEST_F(LogPausesTest, UpToThreeSilencesAreLookedAtMoreClosely) {
  for (const size_t count : {0, 1, 3, 4}) {
    std::vector<int64_t> asked;
    (void)FindLogPauses(metsuke::Zone(), {}, [&](int64_t least) {
      asked.push_back(least);
      Rhythm rhythm(least);
      for (size_t i = 0; i < count; ++i) {
        const int64_t time = kNow + static_cast<int64_t>(i) * kDay;
        rhythm.silences.push_back({time, time + 2 * kHour});
      }
      return rhythm;
    });
    EXPECT_EQ(asked.size(), count == 1 || count == 3 ? 2u : 1u) << count;
  }
}

// Around the instant at which the host was given its zone, times that were
// written in another one look as if there was a hole.
TEST_F(LogPausesTest, ADayAroundAChangeOfZoneIsLeftOut) {
  Zone("Asia/Tokyo");
  const auto link = host_.StatBelow("/etc", "localtime");
  ASSERT_TRUE(link.ok()) << link.status();
  const int64_t set = link->changed;
  const auto times = Each(2 * kMinute, set - 20 * kDay, set + 20 * kDay);
  for (const auto& [after, told] :
       {std::pair(23 * kHour, false), {25 * kHour, true},
        {-24 * kHour - 29 * kHour, false}, {-24 * kHour - 31 * kHour, true}}) {
    Log("syslog", Without(times, set + after, set + after + 30 * kHour));
    EXPECT_EQ(Rows().size(), told ? 1u : 0u) << after;
  }
}

// With `sed -i`, as somebody would.
TEST_F(LogPausesTest, AnHourThatSedDeletesIsTold) {
  Busy(Each(20, kNow - 28 * kDay, kNow));
  const std::string path = (folder_.path() / "var/log/syslog").string();
  ASSERT_GT(fs::file_size(path), 2u << 20);
  EXPECT_THAT(Rows(), IsEmpty());
  ASSERT_TRUE(
      RunProgram({"/bin/sed", "-i", "/^2026-11-20T15:/d", path}, RunOptions())
          .ok());
  EXPECT_THAT(
      Rows(),
      ElementsAre("syslog 2026-11-20T14:59:40 2026-11-20T16:00:00 nothing "
                  "for 60 minutes"));
}

// A key that changes is another row.
TEST_F(LogPausesTest, RotationLeavesTheRowAsItIs) {
  const int64_t rotated = kNow - 7 * kDay;
  Busy(Without(FourWeeks(), rotated, rotated + 30 * kHour));
  const auto rows = Rows();
  EXPECT_THAT(rows, ElementsAre(testing::EndsWith("nothing for 30 hours")));
  const fs::path folder = folder_.path() / "var/log";
  for (const int age : {3, 2})
    fs::rename(folder / fmt::format("syslog.{}.gz", age),
               folder / fmt::format("syslog.{}.gz", age + 1));
  fs::rename(folder / "syslog.1", folder / "syslog.2");
  fs::rename(folder / "syslog", folder / "syslog.1");
  Log("syslog", Each(2 * kMinute, kNow, kNow + kDay));
  EXPECT_EQ(Rows(), rows);
}

TEST_F(LogPausesTest, AHostThatWasOffLosesNothing) {
  const int64_t friday = kNow - 10 * kDay + 19 * kHour,
                monday = kNow - 7 * kDay + 7 * kHour;
  Busy(Without(FourWeeks(), friday, monday));
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("nothing for")));
  Boots({{friday, monday - 60}});
  EXPECT_THAT(Rows(), IsEmpty());
  Boots({{0, monday - 60}});  // the power failed
  EXPECT_THAT(Rows(), IsEmpty());
  // It was on for most of that time.
  Boots({{monday - 4 * kHour, monday - 60}});
  EXPECT_THAT(
      Rows(),
      ElementsAre(HasSubstr("2026-11-13T18:58:00 2026-11-16T03:00:00")));
  Boots({{friday - 20 * kDay, friday - 19 * kDay}});
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("nothing for")));
}

// Debian 13 has its boots in a database.
TEST_F(LogPausesTest, WtmpdbTellsWhenTheHostWasOff) {
  fs::create_directories(folder_.path() / "var/lib/wtmpdb");
  sqlite3* db;
  const std::string path = (folder_.path() / "var/lib/wtmpdb/wtmp.db").string();
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(
                db,
                "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User "
                "TEXT NOT NULL, Login INTEGER, Logout INTEGER, TTY TEXT, "
                "RemoteHost TEXT, Service TEXT) STRICT;"
                "INSERT INTO wtmp(Type, User, Login, Logout) VALUES "
                "(1, 'reboot', 1000000000, 2000000000), (3, 'alice', "
                "1500000000, NULL), (1, 'reboot', 3000000000, NULL),"
                "(1, 'reboot', 4000000000, NULL)",
                nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  v1::Snapshot snapshot;
  Gaps gaps("log_gaps", snapshot);
  EXPECT_THAT(
      ReadOff(host_, gaps),
      UnorderedElementsAre(Pause{0, 1000}, Pause{2000, 3000}, Pause{0, 4000}));
  EXPECT_EQ(snapshot.gaps_size(), 0);
  folder_.Write("var/lib/wtmpdb/wtmp.db", "no database");
  folder_.Write("var/log/wtmp.1.xz", "packed otherwise");
  ReadOff(host_, gaps);
  ASSERT_EQ(snapshot.gaps_size(), 2) << "not having looked is told";
  EXPECT_EQ(snapshot.gaps(0).subject(), "/var/log/wtmp.1.xz");
  EXPECT_EQ(snapshot.gaps(1).reason(),
            "when the host was off: not an SQLite file");
}

TEST_F(LogPausesTest, ARhythmOfPeopleIsNone) {
  std::vector<int64_t> times;
  for (int64_t day = kNow - 28 * kDay; day < kNow; day += kDay)
    if (day / kDay % 7 != 2 && day / kDay % 7 != 3)  // Saturday and Sunday
      for (const int64_t time :
           Each(kMinute, day + 9 * kHour, day + 18 * kHour))
        times.push_back(time);
  Log("auth.log", times);
  Log("mail.err", {kNow - 27 * kDay, kNow - 26 * kDay, kNow - kDay});
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, OfOthersThanRootsLoggersNothingIsTold) {
  const auto times =
      Without(FourWeeks(), kHoleBegins, kHoleBegins + 26 * kHour);
  Log("nginx/access.log", times, Common);
  for (const char* name : {"app.log", "kern.log", "mail.log", "app/syslog"})
    Log(name, times);
  Write("user.log", std::string(500'123, '\0') + Text(times, Rfc3339), kNow);
  EXPECT_THAT(Rows(), IsEmpty());
  Log("audit/audit.log", times);
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("nothing for 26 hours")));
}

// Whoever may write a file may make it look large.
TEST_F(LogPausesTest, AHollowFileEndsAtOnce) {
  for (const char* name : {"app/app.log", "syslog"}) {
    Log(name, Each(kMinute, kNow - kDay, kNow));
    fs::resize_file(folder_.path() / "var/log" / name, uint64_t{1} << 40);
    fs::last_write_time(folder_.path() / "var/log" / name, kNow);
    const int64_t begin = time(nullptr);
    const auto rows = Rows();
    EXPECT_LT(time(nullptr) - begin, 10);
    if (std::string(name) == "syslog")
      EXPECT_THAT(rows, ElementsAre("gap: not all of /var/log/syslog was looked "
                                    "through",
                                    "gap: /var/log/syslog holds more than 16 GiB: "
                                    "whether all of it is text was not looked "
                                    "at"));
    else
      EXPECT_THAT(rows, IsEmpty());
  }
}

TEST_F(LogPausesTest, StepsThatAreExplainedDoNotHideAnother) {
  auto times = FourWeeks();
  std::vector<Pause> boots;
  for (const int64_t day : {20, 18, 16, 14, 4}) {
    const int64_t at = kNow - day * kDay;
    for (int64_t& time : times)
      if (time >= at) time -= kHour;
    if (day > 4) boots.push_back({0, at - kHour - 20});
  }
  Log("syslog", times);
  EXPECT_THAT(Rows(), IsEmpty());
  Boots(boots);
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("time goes back by")));
}

TEST_F(LogPausesTest, AFileThatIsBeingCompressedIsReadOnce) {
  Busy(Without(FourWeeks(), kHoleBegins, kHoleEnds));
  Log("syslog.1.gz", Each(2 * kMinute, kNow - 14 * kDay, kNow - 7 * kDay));
  EXPECT_THAT(Rows(), ElementsAre(kHole));
}

TEST_F(LogPausesTest, WhatCannotBeUnpackedIsAGap) {
  Busy(Without(FourWeeks(), kHoleBegins, kHoleEnds));
  Write("syslog.2.gz", "this is no gzip", kNow - 15 * kDay);
  EXPECT_THAT(Rows(),
              ElementsAre(kHole,
                          "syslog 2026-11-01T23:58:00 2026-11-09T00:00:00 "
                          "syslog.2.gz cannot be unpacked to its end",
                          "gap: /var/log/syslog.2.gz: cannot be unpacked"));
}

TEST_F(LogPausesTest, NewYearWithoutAYearIsNoStep) {
  const int64_t newyear = 1'798'761'600;  // 2027-01-01 UTC
  Log("syslog", Each(10 * kMinute, newyear - 10 * kDay, newyear + 10 * kDay),
      Rfc3164);
  EXPECT_THAT(Rows(), IsEmpty());
  Log("syslog",
      Without(Each(kMinute, newyear - 10 * kDay, newyear + 10 * kDay),
              newyear - 2 * kHour, newyear + 2 * kHour),
      Rfc3164);
  EXPECT_THAT(
      Rows(),
      ElementsAre(HasSubstr("2026-12-31T21:59:00 2027-01-01T02:00:00")));
}

TEST_F(LogPausesTest, WhatIsOlderThanAYearHasNoStep) {
  Log("syslog", Each(30 * kMinute, kNow - 400 * kDay, kNow), Rfc3164);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, SummerTimeMakesNoStep) {
  Zone("Europe/Berlin");
  const int64_t winter = 1'792'890'000;  // 2026-10-25 01:00 UTC
  std::string text;
  for (const int64_t time :
       Each(kMinute, winter - 10 * kDay, winter + 10 * kDay))
    text += Rfc3164(time + (time < winter ? 2 : 1) * kHour) + " h p: x\n";
  Write("syslog", text, winter + 10 * kDay);
  EXPECT_THAT(Rows(), IsEmpty());
  // At another time an hour back is told.
  text.clear();
  for (const int64_t time :
       Each(kMinute, winter - 10 * kDay, winter + 10 * kDay))
    text += Rfc3164(time + (time < winter + 5 * kDay ? 2 : 1) * kHour) +
            " h p: x\n";
  Write("syslog", text, winter + 10 * kDay);
  EXPECT_THAT(Rows(), testing::Contains(HasSubstr("time goes back by")));
}

TEST_F(LogPausesTest, AnotherZoneMakesNoSilence) {
  const int64_t now = time(nullptr) / kMinute * kMinute;
  Log("syslog",
      Without(Each(kMinute, now - 10 * kDay, now), now - 20 * kHour,
              now - 11 * kHour),
      Rfc3164);
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("nothing for 9 hours")));
  Zone("Etc/UTC");
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, TimeThatGoesBackIsTold) {
  auto times = FourWeeks();
  for (int64_t& time : times)
    if (time >= kNow - 4 * kDay) time -= 3 * kHour;
  // In whole blocks before and after; the step is in the midst of the file.
  Log("syslog", times);
  EXPECT_THAT(
      Rows(),
      ElementsAre("syslog 2026-11-18T21:00:00 2026-11-18T23:58:00 time "
                  "goes back by 178 minutes from one record to the next"));
  // At a boot it is the clock of the machine.
  Boots({{0, kNow - 4 * kDay - 3 * kHour - 20}});
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, AFileThatBeginsBeforeTheOlderOneEndsGoesBack) {
  Log("syslog.1", Each(kMinute, kNow - 14 * kDay, kNow - 7 * kDay));
  Log("syslog", Each(kMinute, kNow - 7 * kDay - 2 * kHour, kNow));
  EXPECT_THAT(Rows(), ElementsAre(HasSubstr("time goes back by 119 minutes")));
}

TEST_F(LogPausesTest, ALogOfSeveralClocksHasNoOrder) {
  auto times = FourWeeks();
  for (size_t i = 0; i < times.size(); ++i)
    if (i / 700 % 2 == 1) times[i] += 9 * kHour;
  Log("syslog", times);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, ATimeThatARecordQuotesIsNotItsOwn) {
  std::string text = Text(FourWeeks(), Rfc3339);
  const size_t middle = text.find('\n', text.size() / 2) + 1;
  text.insert(middle, "2026-11-01T00:00:00+00:00 is quoted here\n");
  Write("syslog", text, kNow);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, NoiseIsNoRecord) {
  std::string text = Text(FourWeeks(), Rfc3339);
  std::string noise(100'000, '\0');
  for (size_t i = 0; i < noise.size(); ++i)
    noise[i] = static_cast<char>(i * 2654435761u >> 7);
  Write("syslog", text + noise + Text({kNow, kNow + 60}, Rfc3339), kNow + 60);
  EXPECT_THAT(Rows(), ElementsAre(testing::EndsWith(
                          "bytes between its lines that are no text")));
  Write("syslog", noise, kNow);
  EXPECT_THAT(Rows(), IsEmpty());
  Write("syslog", "", kNow);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, AFileThatWasEmptiedUnderItsWriterBeginsWithNothing) {
  const std::string rest = Text(Each(kMinute, kNow - kDay, kNow), Rfc3339);
  Log("syslog.1", Each(kMinute, kNow - 9 * kDay, kNow - 7 * kDay));
  Write("syslog", std::string(500'123, '\0') + rest, kNow);
  EXPECT_THAT(
      Rows(),
      ElementsAre("syslog 2026-11-15T23:59:00 2026-11-22T00:00:00 "
                  "begins with 500123 bytes of nothing: it was emptied "
                  "while its writer went on"));
  // That is what copytruncate leaves: the records are in the copy.
  const auto copied = Each(kMinute, kNow - 9 * kDay, kNow - 7 * kDay);
  Write("syslog",
        std::string(Text(copied, Rfc3339).size() + 1000, '\0') + rest, kNow);
  EXPECT_THAT(Rows(), IsEmpty());
  fs::remove(folder_.path() / "var/log/syslog.1");
  EXPECT_THAT(Rows(), IsEmpty());
  Log("syslog.1.gz", copied);
  EXPECT_THAT(Rows(), IsEmpty());
  // gzip keeps the length modulo 2^32.
  const fs::path path = folder_.path() / "var/log/syslog";
  fs::resize_file(path, 0);
  fs::resize_file(path, (int64_t{1} << 32) +
                            static_cast<int64_t>(Text(copied, Rfc3339).size()));
  std::ofstream(path.string(), std::ios::app) << rest;
  fs::last_write_time(path, kNow);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, AFileThatBeginsInTheMiddleOfALineWasCut) {
  const std::string text = Text(FourWeeks(), Rfc3339);
  Write("auth.log", text.substr(30), kNow);
  EXPECT_THAT(
      Rows(),
      ElementsAre("auth.log 0 2026-10-26T00:02:00 begins in the "
                  "middle of a line"));
  // Others write what they like.
  fs::rename(folder_.path() / "var/log/auth.log",
             folder_.path() / "var/log/app.log");
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogPausesTest, TheSameIsToldWhileTheLogGoesOn) {
  const auto times = Without(FourWeeks(), kHoleBegins, kHoleEnds);
  Busy(times);
  const auto rows = Rows();
  EXPECT_THAT(rows, ElementsAre(kHole));
  for (int64_t more = kHour; more < 5 * kDay; more += 7 * kHour) {
    auto longer = Without(Each(2 * kMinute, kNow - 7 * kDay, kNow + more),
                          kHoleBegins, kHoleEnds);
    Log("syslog", longer);
    EXPECT_EQ(Rows(), rows) << more;
  }
}

// Of a file that holds more than a run may unpack it is not tried again; what was
// left for want of time is.
TEST_F(LogPausesTest, WhatIsTooMuchIsTriedOnce) {
  for (const char* name : {"old", "current"})
    folder_.Write(std::string("var/log/") + name, "x");
  sleep(2);  // a file that has just been made is not trusted to be as it was
  static int reads;
  static bool too_much;
  const Collector collector{"log_gaps", [](const Host& host, v1::Snapshot& s) {
    Gaps gaps("log_gaps", s);
    ReadFiles(host, "/var/log/current", {"/var/log/old", "/var/log/current"},
              "pauses", kHour, gaps, [&](size_t i) -> absl::StatusOr<Rhythm> {
                Rhythm rhythm(kHour);
                if (i == 1) return rhythm;
                ++reads;
                rhythm.whole = false;
                rhythm.too_much = too_much;
                return rhythm;
              });
    EXPECT_EQ(s.gaps_size(), 1);
    return absl::OkStatus();
  }};
  reads = 0;
  too_much = false;
  const v1::Outcome first = RunCollector(host_, collector);
  EXPECT_TRUE(first.recorded().live());
  too_much = true;
  const int before = reads;
  const v1::Outcome second = RunCollector(host_, collector, first.recorded());
  EXPECT_GT(reads, before);
  EXPECT_FALSE(second.recorded().live());
  const int after = reads;
  RunCollector(host_, collector, second.recorded());
  EXPECT_EQ(reads, after);
}

TEST_F(LogPausesTest, UnpackingEndsInTime) {
  Busy(FourWeeks());
  const std::string path = "/var/log/syslog.2.gz";
  const LogPiece piece{path, *host_.Stat(path)};
  const auto read = [&](LogBudget budget) {
    return *ReadRhythm(host_, piece, metsuke::Zone(), kHour, budget);
  };
  EXPECT_TRUE(read({}).whole);
  const Rhythm late = read({.until = LogBudget::Clock::now()});
  EXPECT_FALSE(late.whole);
  EXPECT_FALSE(late.too_much) << "another had the time";
  LogBudget spent;
  spent.unpacked = 1;
  EXPECT_FALSE(read(spent).whole);
  EXPECT_FALSE(read(spent).too_much) << "another had it";
}

TEST_F(LogPausesTest, OldFilesAreReadOnce) {
  Busy(Without(FourWeeks(), kHoleBegins - 14 * kDay, kHoleEnds - 14 * kDay));
  const Collector collector{"log_gaps", CollectLogGaps};
  fs::last_write_time(folder_.path() / "var/log", kNow);
  // A file that has just been made is not trusted to be as it was.
  sleep(2);
  const v1::Outcome first = RunCollector(host_, collector);
  const auto& answers = first.recorded().answers();
  EXPECT_EQ(answers.size(), 10)
      << "three files, looked at for two lengths, two whether they are whole, "
         "what of one is text, and what there was of all logs";
  // What is remembered is taken for what is there.
  v1::Recorded changed = first.recorded();
  for (v1::Answer& answer : *changed.mutable_answers()) answer.set_output(ToText(Rhythm(kHour)));
  EXPECT_NE(RunCollector(host_, collector, changed).canonical(),
            first.canonical());
  EXPECT_EQ(RunCollector(host_, collector, first.recorded()).canonical(),
            first.canonical());
  // Until the file is another.
  Busy(FourWeeks());
  EXPECT_EQ(RunCollector(host_, collector, first.recorded()).canonical(), "");
}

}  // namespace
}  // namespace metsuke
