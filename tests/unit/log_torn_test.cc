#include "collectors/log_torn.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <utmp.h>

#include <boost/filesystem/operations.hpp>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "collectors/collector.h"
#include "collectors/log_order.h"
#include "collectors/outcome.h"
#include "collectors/unpack.h"
#include "proto/run.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/packed.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

namespace fs = boost::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kDay = 86400;
constexpr int64_t kNow = 1'795'392'000;  // 2026-11-23 00:00 UTC

// A record a minute of the day that begins so many days before kNow.
std::string Records(int64_t days_ago) {
  std::string text;
  for (int64_t minute = 0; minute < 1440; ++minute)
    text += fmt::format("2026-11-{:02}T{:02}:{:02}:00+00:00 h p: {}\n",
                        23 - days_ago, minute / 60, minute % 60,
                        minute * minute * 7919);
  return text;
}

std::string Logins(int64_t first, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    utmp record{};
    record.ut_type = USER_PROCESS;
    record.ut_tv.tv_sec = static_cast<int32_t>(first + i * 60);
    bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
  }
  return bytes;
}

class LogTornTest : public testing::Test {
 protected:
  LogTornTest() : host_(folder_.path()) {}

  void Write(const std::string& name, const std::string& bytes,
             int64_t modified) {
    folder_.Write("var/log/" + name, bytes);
    fs::last_write_time(folder_.path() / "var/log" / name, modified);
  }

  // Three days of a log, the second one's file cut after `part` of it.
  void ThreeDays(const std::string& end, double part) {
    Write("app.log", Records(1), kNow);
    const std::string second = Packed(end, Records(2));
    Write("app.log.1" + end,
          second.substr(0, static_cast<size_t>(
                               static_cast<double>(second.size()) * part)),
          kNow - kDay);
    // Of a compressed file its last change is its last record.
    Write("app.log.2" + end, Packed(end, Records(3)), kNow - 2 * kDay - 60);
  }

  std::vector<std::string> Rows(LogBudget budget = {}) {
    v1::Snapshot snapshot;
    Gaps gaps("log_gaps", snapshot);
    std::vector<std::string> rows;
    for (const LogStream& stream : FindLogs(host_, "/var/log", {}, gaps))
      for (const LogPause& pause : FindTorn(host_, stream, Zone(), budget, gaps))
        rows.push_back(fmt::format("{} {} {}", pause.since - kNow,
                                   pause.until - kNow, pause.reason));
    return rows;
  }

  // What is told of what could not be seen.
  std::vector<std::string> Said(LogBudget budget = {}) {
    v1::Snapshot snapshot;
    Gaps gaps("log_gaps", snapshot);
    for (const LogStream& stream : FindLogs(host_, "/var/log", {}, gaps))
      FindTorn(host_, stream, Zone(), budget, gaps);
    std::vector<std::string> said;
    for (const v1::Gap& gap : snapshot.gaps())
      said.push_back(gap.subject() + ": " + gap.reason());
    return said;
  }

  // The second of the last record that gzip(1) and the like find, from kNow.
  int64_t LastBy(const std::string& program, const std::string& name) {
    const std::string path = (folder_.path() / "var/log" / name).string();
    std::string said;
    // They fail at the end, and so does what is asked of them through Run.
    FILE* const pipe = popen(
        fmt::format("{} -dc <'{}' 2>/dev/null", program, path).c_str(), "r");
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, pipe)) > 0;)
      said.append(bytes, n);
    pclose(pipe);
    const auto stamp = [](std::string_view line) {
      return LogTime(line, Zone(), kNow).value_or(0) - kNow;
    };
    int64_t last = -kNow;
    for (size_t at = 0, end; (end = said.find('\n', at)) != said.npos;
         at = end + 1)
      last = stamp(std::string_view(said).substr(at, end - at));
    return last;
  }

  HostFolder folder_;
  Host host_;
};

TEST_F(LogTornTest, WholeFilesLackNothing) {
  for (const std::string end : {".gz", ".xz", ".bz2", ".zst"}) {
    ThreeDays(end, 1);
    EXPECT_THAT(Rows(), IsEmpty()) << end;
    fs::remove_all(folder_.path() / "var/log");
  }
}

// bzip2 has all of it in one block, and a part of that is nothing.
TEST_F(LogTornTest, WhatIsCutOffIsToldFromTheLastRecordThatIsThere) {
  for (const std::string end : {".gz", ".xz", ".zst"}) {
    for (const double part : {0.5, 0.8}) {
      ThreeDays(end, part);
      const std::string program = end == ".gz"   ? "gzip"
                                  : end == ".xz" ? "xz"
                                                 : "zstd";
      int64_t last = LastBy(program, "app.log.1" + end);
      if (last == -kNow) last = -2 * kDay - 60;  // that of the file before
      EXPECT_THAT(Rows(),
                  ElementsAre(fmt::format("{} {} app.log.1{} is cut off: what "
                                          "followed is lost",
                                          last, -kDay, end)))
          << part;
    }
    fs::remove_all(folder_.path() / "var/log");
  }
}

TEST_F(LogTornTest, OfWhatHoldsNothingTheFileBeforeTellsTheLastRecord) {
  for (const std::string end : {".gz", ".bz2"}) {
    ThreeDays(end, 0);
    EXPECT_THAT(Rows(), ElementsAre(fmt::format(
                            "{} {} app.log.1{} is cut off: what followed is lost",
                            -2 * kDay - 60, -kDay, end)));
    fs::remove_all(folder_.path() / "var/log");
  }
}

TEST_F(LogTornTest, WhatIsDamagedIsToldToo) {
  ThreeDays(".gz", 1);
  std::string packed = Gzip(Records(2));
  packed[packed.size() - 8] ^= 1;  // of the sum
  Write("app.log.1.gz", packed, kNow - kDay);
  EXPECT_THAT(Rows(), ElementsAre(fmt::format("{} {} app.log.1.gz cannot be "
                                              "unpacked to its end",
                                              -kDay - 60, -kDay)));
}

TEST_F(LogTornTest, LoginsAreReadByTheirRecords) {
  Write("wtmp", Logins(kNow - 3600, 3), kNow);
  const std::string packed = Gzip(Logins(kNow - kDay, 1000));
  Write("wtmp.1.gz", packed.substr(0, packed.size() - 4), kNow - kDay + 60000);
  EXPECT_THAT(Rows(), ElementsAre(fmt::format("{} -3600 wtmp.1.gz is cut off: "
                                              "what followed is lost",
                                              -kDay + 999 * 60)));
}

// What is being compressed is not there yet, and a file that no rotation made
// is its program's own.
TEST_F(LogTornTest, OnlyWhatWasRotatedIsLookedAt) {
  ThreeDays(".gz", 0.5);
  Write("app.log.1", Records(2), kNow - kDay);
  Write("dump.gz", Gzip("x").substr(0, 5), kNow - kDay);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(LogTornTest, WhatTakesMoreThanIsLeftIsForAnotherRun) {
  ThreeDays(".gz", 0.99);
  EXPECT_EQ(Rows().size(), 1u);
  LogBudget budget;
  budget.checked = 1000;
  EXPECT_THAT(Rows(budget), IsEmpty());
}

// More than the budget, out of few bytes.
TEST_F(LogTornTest, WhatHoldsVeryMuchIsSaid) {
  Write("bomb.log", "x", kNow);
  const auto cut = [](const std::string& packed) {
    return packed.substr(0, packed.size() - 4);
  };
  Write("bomb.log.1.gz", cut(Gzip(std::string(64 << 20, 'a'))), kNow - kDay);
  EXPECT_THAT(Rows(), ElementsAre(testing::HasSubstr("is cut off")))
      << "the first may take more";
  fs::remove(folder_.path() / "var/log/bomb.log.1.gz");
  Write("bomb.log.1.xz", cut(Xz(std::string(65 << 20, 'a'))), kNow - kDay);
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(Said(), ElementsAre("/var/log/bomb.log.1.xz: it holds more than "
                                  "64 MiB: whether it is whole was not looked "
                                  "at"));
}

TEST_F(LogTornTest, ASpentBudgetIsSaid) {
  ThreeDays(".gz", 1);
  LogBudget budget;
  budget.checked = 1000;
  EXPECT_THAT(Said(budget),
              ElementsAre("/var/log: not all compressed files were unpacked yet "
                          "to see whether they are whole"));
}

// A disk that is slow, or a machine.
class SlowHost : public Host {
 public:
  using Host::Host;
  absl::StatusOr<std::string> ReadBytes(std::string_view path, int64_t offset,
                                        size_t length) const override {
    if (offset > 0) {
      ++reads;
      usleep(300'000);
    }
    return Host::ReadBytes(path, offset, length);
  }
  mutable int reads = 0;
};

TEST_F(LogTornTest, UnpackingEndsInTime) {
  ThreeDays(".gz", 0.99);
  LogBudget late{.until = LogBudget::Clock::now()};
  EXPECT_THAT(Rows(late), IsEmpty());
  EXPECT_THAT(Said(late), ElementsAre(testing::HasSubstr("not all compressed "
                                                         "files were unpacked")));
}

TEST_F(LogTornTest, OneThatTakesTooLongIsTriedOnce) {
  std::string noise;
  for (uint32_t i = 1; noise.size() < (1 << 20); i = i * 1664525 + 1013904223)
    noise += static_cast<char>(i >> 24);
  Write("app.log", Records(1), kNow);
  Write("app.log.1.gz", Gzip(noise), kNow - kDay);
  fs::last_write_time(folder_.path() / "var/log", kNow);
  sleep(2);  // a file that has just been made is not trusted to be as it was
  const SlowHost slow(folder_.path());
  static std::vector<std::string>* said;
  static std::chrono::milliseconds time;
  said = new std::vector<std::string>;
  const Collector collector{"log_gaps", [](const Host& host, v1::Snapshot&) {
    LogBudget budget{.until = LogBudget::Clock::now() + time,
                     .most_time = std::chrono::milliseconds(100)};
    v1::Snapshot snapshot;
    Gaps gaps("log_gaps", snapshot);
    for (const LogStream& stream : FindLogs(host, "/var/log", {}, gaps))
      FindTorn(host, stream, Zone(), budget, gaps);
    said->clear();
    for (const v1::Gap& gap : snapshot.gaps()) said->push_back(gap.reason());
    return absl::OkStatus();
  }};
  time = std::chrono::milliseconds(50);  // another had the rest
  const v1::Outcome first = RunCollector(slow, collector);
  EXPECT_TRUE(first.recorded().live());
  EXPECT_THAT(*said, ElementsAre(testing::HasSubstr("not all compressed")));
  time = std::chrono::milliseconds(200);
  const v1::Outcome second = RunCollector(slow, collector, first.recorded());
  EXPECT_FALSE(second.recorded().live());
  EXPECT_THAT(*said, ElementsAre(testing::HasSubstr("takes too long to unpack")));
  const int reads = slow.reads;
  RunCollector(slow, collector, second.recorded());
  EXPECT_THAT(*said, ElementsAre(testing::HasSubstr("takes too long to unpack")));
  EXPECT_EQ(slow.reads, reads);
  delete said;
}

// The first record of a file that is no longer written is sought once.
TEST_F(LogTornTest, HeadsAreUnpackedOnce) {
  ThreeDays(".bz2", 1);
  fs::last_write_time(folder_.path() / "var/log", kNow);
  sleep(2);  // a file that has just been made is not trusted to be as it was
  const Collector collector{"log_files", [](const Host& host, v1::Snapshot& s) {
    v1::Snapshot ignored;
    Gaps gaps("log_files", ignored);
    for (const LogStream& stream : FindLogs(host, "/var/log", {}, gaps)) {
      const auto span = ReadLog(host, LogFormat::kText,
                                InOrder(host, stream.path, stream.pieces, Zone()),
                                Zone(),
                                [](const auto&, const auto&) {});
      s.add_log_files()->set_oldest(span->oldest);
    }
    return absl::OkStatus();
  }};
  const v1::Outcome first = RunCollector(host_, collector);
  v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(first.canonical()));
  EXPECT_EQ(snapshot.log_files(0).oldest(), kNow - 3 * kDay);
  v1::Recorded changed = first.recorded();
  for (v1::Answer& answer : *changed.mutable_answers())
    if (answer.argv(0).starts_with("head ")) answer.set_output("42");
  snapshot.Clear();
  ASSERT_TRUE(snapshot.ParseFromString(
      RunCollector(host_, collector, changed).canonical()));
  EXPECT_EQ(snapshot.log_files(0).oldest(), 42) << "what is remembered is taken";
  Write("app.log.2.bz2", Packed(".bz2", Records(4)), kNow - 2 * kDay - 60);
  snapshot.Clear();
  ASSERT_TRUE(snapshot.ParseFromString(
      RunCollector(host_, collector, changed).canonical()));
  EXPECT_EQ(snapshot.log_files(0).oldest(), kNow - 4 * kDay)
      << "of the file as it was";
}

TEST_F(LogTornTest, EachFileIsUnpackedOnceAndNoneIsForgotten) {
  // More than one look has a budget for.
  const std::string text = Records(2);
  std::string large;
  while (large.size() < 20 << 20) large += text;
  for (int i = 1; i <= 3; ++i) {
    const std::string packed = Gzip(large);
    Write(fmt::format("app.log.{}.gz", i), packed.substr(0, packed.size() - 1),
          kNow - i * kDay);
  }
  Write("app.log", Records(1), kNow);
  fs::last_write_time(folder_.path() / "var/log", kNow);
  sleep(2);  // a file that has just been made is not trusted to be as it was
  const Collector collector{"log_gaps", CollectLogGaps};
  std::vector<int> rows;
  v1::Outcome outcome = RunCollector(host_, collector);
  for (int look = 0; look < 3; ++look) {
    v1::Snapshot snapshot;
    ASSERT_TRUE(snapshot.ParseFromString(outcome.canonical()));
    rows.push_back(snapshot.log_gaps_size());
    EXPECT_EQ(outcome.recorded().live(), look < 2);
    outcome = RunCollector(host_, collector, outcome.recorded());
  }
  EXPECT_THAT(rows, ElementsAre(1, 2, 3));
}

TEST_F(LogTornTest, OneThatIsStillBeingWrittenIsNotCutYet) {
  ThreeDays(".gz", 0.5);
  fs::last_write_time(folder_.path() / "var/log/app.log.1.gz",
                      std::time(nullptr) - 30);
  EXPECT_THAT(Rows(), IsEmpty());
  fs::last_write_time(folder_.path() / "var/log/app.log.1.gz",
                      std::time(nullptr) - 3600);
  EXPECT_EQ(Rows().size(), 1u);
}

// xz(1) and zstd(1) are told to use more memory than a collector has.
TEST_F(LogTornTest, WhatTakesTooMuchMemoryIsNotDamaged) {
  Write("app.log", Records(1), kNow);
  const std::string path = (folder_.path() / "var/log/app.log.1").string();
  for (const char* made : {"xz --lzma2=dict=256MiB -c", "zstd -q --long=27 -c"}) {
    // Of less than the window zstd needs no more than that.
    const std::string end = made[0] == 'x' ? ".xz" : ".zst";
    ASSERT_EQ(std::system(fmt::format("head -c 12000000 /dev/zero | {} >'{}{}'",
                                      made, path, end)
                              .c_str()),
              0);
    fs::last_write_time(path + end, kNow - kDay);
    v1::Snapshot snapshot;
    Gaps gaps("log_gaps", snapshot);
    LogBudget budget;
    for (const LogStream& stream : FindLogs(host_, "/var/log", {}, gaps))
      EXPECT_THAT(FindTorn(host_, stream, Zone(), budget, gaps), IsEmpty());
    ASSERT_EQ(snapshot.gaps_size(), 1) << end;
    EXPECT_THAT(snapshot.gaps(0).reason(), testing::HasSubstr("more memory"));
    EXPECT_TRUE(absl::IsResourceExhausted(
        UnpackHead(host_, "/var/log/app.log.1" + end, 100).status()))
        << "its first record is not known, and does not look as if it had none";
    fs::remove(path + end);
  }
}

// Nine bytes each that hold nothing.
TEST_F(LogTornTest, MembersThatHoldNothingCostTheBudgetToo) {
  const std::string empty = Packed(".zst", "");
  std::string many;
  while (many.size() < (4u << 20)) many += empty;
  Write("app.log", Records(1), kNow);
  Write("app.log.1.zst", many, kNow - kDay);
  LogBudget budget;
  v1::Snapshot snapshot;
  Gaps gaps("log_gaps", snapshot);
  for (const LogStream& stream : FindLogs(host_, "/var/log", {}, gaps))
    EXPECT_THAT(FindTorn(host_, stream, Zone(), budget, gaps), IsEmpty());
  EXPECT_EQ(budget.checked, 0u);
}

}  // namespace
}  // namespace metsuke
