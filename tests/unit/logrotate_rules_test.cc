#include "collectors/logrotate_rules.h"
#include "tests/unit/troubles.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What LogrotateReader makes of a main file and of files it may include.
struct Read {
  explicit Read(const std::string& text,
                const std::map<std::string, std::string>& files = {})
      : reader([files](const std::string& path,
                       const std::vector<std::string>&) {
          const auto file = files.find(path);
          return file == files.end()
                     ? std::vector<LogrotateFile>{}
                     : std::vector<LogrotateFile>{{path, file->second}};
        }) {
    reader.Read({"conf", text});
  }

  std::vector<std::string> Rules() const {
    std::vector<std::string> lines;
    for (const v1::LogrotateRule& r : reader.rules())
      lines.push_back(fmt::format(
          "{} {} {} size {} age {} keep {}{} {}", r.path(), r.frequency(),
          r.rotate(), r.size_bytes(), r.max_age_days(), r.keep_days(),
          r.compress() ? " compress" : "", r.source()));
    return lines;
  }

  std::vector<std::string> Troubles() const { return TroublesOf(reader); }

  LogrotateReader reader;
};

TEST(LogrotateRules, ABlockStartsWithTheGlobalSettings) {
  const Read read(
      "weekly\nrotate 4\n# compress\n"
      "/var/log/a {\n\tmonthly\n  rotate 12\n  compress\n}\n"
      "/var/log/b { \n}\ncompress\n/var/log/c\n{\n}\n");
  EXPECT_THAT(read.Rules(),
              ElementsAre("/var/log/a monthly 12 size 0 age 0 keep 360 compress conf:4",
                          "/var/log/b weekly 4 size 0 age 0 keep 28 conf:9",
                          "/var/log/c weekly 4 size 0 age 0 keep 28 compress conf:12"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(LogrotateRules, SeveralPathsQuotedAndAcrossLines) {
  const Read read(
      "daily\nrotate 2\n/a \"/b c\" '/d'\n# between\n/e\\ f {\n missingok\n}\n");
  EXPECT_THAT(read.Rules(),
              ElementsAre("/a daily 2 size 0 age 0 keep 2 conf:3",
                          "/b c daily 2 size 0 age 0 keep 2 conf:3",
                          "/d daily 2 size 0 age 0 keep 2 conf:3",
                          "/e f daily 2 size 0 age 0 keep 2 conf:3"));
}

TEST(LogrotateRules, ScriptsAreNoDirectives) {
  const Read read(
      "/a {\n weekly\n rotate 1\n postrotate\n  rotate 99\n  kill } {\n"
      " endscript\n prerotate\n  daily\n endscript\n compress\n}\n");
  EXPECT_THAT(read.Rules(),
              ElementsAre("/a weekly 1 size 0 age 0 keep 7 compress conf:1"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(LogrotateRules, SizeAndPeriodExcludeEachOtherTheLastWins) {
  const Read read(
      "rotate 3\n/a {\n daily\n size 100k\n}\n/b {\n size=1M\n weekly\n}\n"
      "/c {\n weekly\n maxsize 2G\n minsize 5\n}\n/d {\n}\n");
  EXPECT_THAT(read.Rules(),
              ElementsAre("/a size 3 size 102400 age 0 keep 0 conf:2",
                          "/b weekly 3 size 0 age 0 keep 21 conf:6",
                          "/c weekly 3 size 2147483648 age 0 keep 21 conf:10",
                          "/d size 3 size 1048576 age 0 keep 0 conf:15"));
}

TEST(LogrotateRules, KeepDaysFollowsCountPeriodAndAge) {
  const Read read(
      "/a {\n daily\n rotate -1\n}\n/b {\n daily\n rotate -1\n maxage 90\n}\n"
      "/c {\n yearly\n rotate 2\n maxage 400\n}\n/d {\n hourly\n rotate 50\n}\n"
      "/e {\n weekly 3\n rotate 2000000000\n}\n/f {\n size 1\n rotate -1\n}\n");
  EXPECT_THAT(read.Rules(),
              ElementsAre("/a daily -1 size 0 age 0 keep -1 conf:1",
                          "/b daily -1 size 0 age 90 keep 90 conf:5",
                          "/c yearly 2 size 0 age 400 keep 400 conf:10",
                          "/d hourly 50 size 0 age 0 keep 2 conf:15",
                          "/e weekly 2000000000 size 0 age 0 keep 2147483647 conf:19",
                          "/f size -1 size 1 age 0 keep -1 conf:23"));
}

TEST(LogrotateRules, WhatAnIncludedFileSetsStaysInForce) {
  const Read read("weekly\nrotate 1\ninclude /d\n/b {\n}\n",
                  {{"/d", "rotate 9\n/a {\n rotate 5\n}\n"}});
  EXPECT_THAT(read.Rules(), ElementsAre("/a weekly 5 size 0 age 0 keep 35 /d:2",
                                        "/b weekly 9 size 0 age 0 keep 63 conf:4"));
}

TEST(LogrotateRules, AFileThatIncludesItselfEnds) {
  const Read read("include /d\n", {{"/d", "include /d\n"}});
  EXPECT_THAT(read.Troubles(), ElementsAre("/d:1: includes too deep"));
}

TEST(LogrotateRules, ABadBlockIsLeftOutAndTold) {
  const Read read(
      "/a {\n rotate many\n}\n/b {\n size 10Q\n}\n/c {\n frobnicate 3\n"
      " daily rotate 3\n}\n/c {\n}\n");
  EXPECT_THAT(read.Rules(), ElementsAre("/c daily 3 size 0 age 0 keep 3 conf:7"));
  EXPECT_THAT(read.Troubles(),
              ElementsAre("conf:2: bad value of rotate",
                          "conf:5: bad value of size",
                          "conf:11: a second rule for /c"));
}

TEST(LogrotateRules, ATornFileIsTold) {
  EXPECT_THAT(Read("/a {\n weekly\n").Troubles(),
              ElementsAre("conf:3: the block has no end"));
  EXPECT_THAT(Read("/a\n").Troubles(),
              ElementsAre("conf:2: no { after the paths"));
  EXPECT_THAT(Read("}\n/a {\n}\n").Rules(), IsEmpty());
  EXPECT_THAT(Read("/a {\n postrotate\n x\n").Troubles(),
              ElementsAre("conf:4: the script has no endscript",
                          "conf:4: the block has no end"));
  EXPECT_THAT(Read("*\n").Troubles(),
              ElementsAre("conf:1: neither a directive nor a path"));
  EXPECT_THAT(Read("\xff\n\0").Rules(), IsEmpty());
}

TEST(LogrotateRules, TabooPatternsAreHandedToTheInclude) {
  std::vector<std::string> seen;
  LogrotateReader reader(
      [&](const std::string&, const std::vector<std::string>& taboo) {
        seen = taboo;
        return std::vector<LogrotateFile>{};
      });
  reader.Read({"conf", "include /d\n"});
  EXPECT_THAT(seen, ::testing::Contains("*.dpkg-old"));
  EXPECT_THAT(seen, ::testing::Contains("*,v"));
  reader.Read({"conf", "tabooext .a, .b\ntaboopat + c*\ninclude /d\n"});
  EXPECT_THAT(seen, ElementsAre("*.a", "*.b", "c*"));
}

}  // namespace
}  // namespace metsuke
