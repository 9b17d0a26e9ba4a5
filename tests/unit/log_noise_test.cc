#include "collectors/log_noise.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/filesystem/operations.hpp>
#include <random>

#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "proto/run.h"
#include "tests/unit/host_folder.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'795'392'000;  // 2026-11-23 00:00 UTC

// What a look may read; a collector takes no argument.
size_t most_read = LogBudget().read;

absl::Status CollectNoise(const Host& host, v1::Snapshot& snapshot) {
  LogBudget budget;
  budget.read = most_read;
  Gaps gaps("log_gaps", snapshot);
  for (const LogStream& stream : FindLogs(host, "/var/log", {}, gaps))
    for (const LogPause& pause : FindNoise(host, stream, Zone(), budget, gaps)) {
      v1::LogGap& row = *snapshot.add_log_gaps();
      row.set_since(pause.since);
      row.set_until(pause.until);
      row.set_reason(pause.reason);
    }
  return absl::OkStatus();
}

class LogNoiseTest : public testing::Test {
 protected:
  LogNoiseTest() : host_(folder_.path()) { most_read = LogBudget().read; }

  // A record a minute, from one minute after kNow to before another.
  static std::string Records(int from, int until) {
    std::string text;
    for (int minute = from; minute < until; ++minute)
      text += fmt::format("2026-11-23T{:02}:{:02}:00+00:00 h p: {}\n",
                          minute / 60, minute % 60, minute * 7919);
    return text;
  }

  void Write(const std::string& name, const std::string& bytes,
             int minute = 600) {
    folder_.Write("var/log/" + name, bytes);
    fs::last_write_time(folder_.path() / "var/log" / name, kNow + minute * 60);
  }

  // "the minute of the last record before, of the first one behind: reason".
  std::vector<std::string> Look() {
    outcome_ = RunCollector(host_, {"log_gaps", CollectNoise},
                            outcome_.recorded());
    v1::Snapshot snapshot;
    EXPECT_TRUE(snapshot.ParseFromString(outcome_.canonical() +
                                         outcome_.gaps()));
    const auto minute = [](int64_t time) {
      return time == 0 ? "none" : fmt::format("{}", (time - kNow) / 60);
    };
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      rows.push_back(fmt::format("{} {}: {}", minute(row.since()),
                                 minute(row.until()), row.reason()));
    for (const v1::Gap& gap : snapshot.gaps())
      rows.push_back("gap: " + gap.reason());
    return rows;
  }

  HostFolder folder_;
  const Host host_;
  v1::Outcome outcome_;
};

TEST_F(LogNoiseTest, BytesOfNothingBetweenLinesAreTold) {
  Write("syslog", Records(0, 300) + std::string(4096, '\0') + Records(305, 600));
  EXPECT_THAT(Look(), ElementsAre("299 305: syslog has 4096 bytes between its "
                                  "lines that are no text"));
  // In the middle of a line, whose time is there.
  Write("syslog", Records(0, 300) + "2026-11-23T05:00:00+00:00 h p: hal" +
                      std::string(10, '\0') + Records(305, 600));
  EXPECT_THAT(Look(), ElementsAre("300 305: syslog has 10 bytes between its "
                                  "lines that are no text"));
}

TEST_F(LogNoiseTest, NoiseIsTold) {
  std::mt19937 random(7);
  std::string noise;
  while (noise.size() < 8000) noise += static_cast<char>(random());
  noise.front() = noise.back() = '\0';
  Write("syslog", Records(0, 300) + noise + "\n" + Records(305, 600));
  EXPECT_THAT(Look(), ElementsAre("299 305: syslog has 8000 bytes between its "
                                  "lines that are no text"));
}

TEST_F(LogNoiseTest, TextInAnyEncodingIsNone) {
  Write("syslog", Records(0, 300) +
                      "2026-11-23T05:00:00+00:00 h p: \x1b[31m\x83\x65\x83\x58 "
                      "\xe6\xa4\x9c\xe6\x9f\xbb\t\x01\xff\n" +
                      Records(301, 600));
  EXPECT_THAT(Look(), IsEmpty());
}

// What is left when a file is emptied under its writer.
TEST_F(LogNoiseTest, WhatAFileBeginsWithIsOfAnotherKind) {
  Write("syslog", std::string(5000, '\0') + Records(0, 600));
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(LogNoiseTest, WhatFollowsIsToldOnceItIsThere) {
  const std::string before = Records(0, 300) + std::string(100, '\0');
  Write("syslog", before, 300);
  EXPECT_THAT(Look(), ElementsAre("299 none: syslog has 100 bytes between its "
                                  "lines that are no text"));
  Write("syslog", before + Records(310, 311), 310);
  EXPECT_THAT(Look(), ElementsAre("299 310: syslog has 100 bytes between its "
                                  "lines that are no text"));
  // Behind it there is more by now than is looked through for that.
  Write("syslog", before + Records(310, 311) + std::string(100, '\0') +
                      Records(311, 600));
  EXPECT_THAT(Look(), ElementsAre(testing::StartsWith("299 311: syslog has ")));
}

TEST_F(LogNoiseTest, ARotatedFileIsKnown) {
  Write("syslog", Records(0, 300) + std::string(100, '\0') + Records(301, 600));
  EXPECT_EQ(Look().size(), 1u);
  fs::rename(folder_.path() / "var/log/syslog",
             folder_.path() / "var/log/syslog.1");
  Write("syslog", Records(600, 700), 700);
  // Nothing but what is new is read, and a file of less than 1024 bytes.
  most_read = Records(600, 700).size();
  EXPECT_THAT(Look(), ElementsAre("299 301: syslog.1 has 100 bytes between its "
                                  "lines that are no text"));
  // Another file that got the number of the first.
  Write("syslog.1", Records(700, 1400), 1400);
  EXPECT_THAT(Look(), ElementsAre(testing::StartsWith("gap: not all of it")));
  most_read = LogBudget().read;
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(LogNoiseTest, WhatTakesLongGoesOnInTheNextLook) {
  std::string text;
  for (int i = 0; i < 80; ++i) text += Records(0, 600);  // 2 MiB and more
  Write("syslog", text + std::string(100, '\0') + Records(590, 600));
  most_read = 1 << 20;
  EXPECT_THAT(Look(), ElementsAre("gap: not all of it was read yet to see "
                                  "whether it is text"));
  for (int i = 0; i < 3 && Look()[0].starts_with("gap: "); ++i) {
  }
  EXPECT_THAT(Look(), ElementsAre("599 590: syslog has 100 bytes between its "
                                  "lines that are no text"));
}

TEST_F(LogNoiseTest, OfVeryMuchNoiseSomeIsTold) {
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += Records(i * 20, i * 20 + 20) + std::string(8, '\0') +
            std::string(5000, 'x') + "\n";
  Write("syslog", text);
  auto rows = Look();
  ASSERT_EQ(rows.size(), 21u);
  EXPECT_EQ(rows.back(), "gap: syslog has bytes that are no text in more places "
                         "than the 20 that are told");
}

}  // namespace
}  // namespace metsuke
