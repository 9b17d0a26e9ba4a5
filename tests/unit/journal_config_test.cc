#include "collectors/journal_config.h"

#include <gtest/gtest.h>

#include "collectors/collector.h"
#include "collectors/words.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectJournalConfig(const Host&, v1::Snapshot&);

namespace {

std::string Show(const v1::JournalOption& row) {
  return row.value() + " (" + row.source() + ")";
}

std::string Value(const std::vector<JournalConf>& files,
                  const std::string& option, bool debian = true) {
  for (const v1::JournalOption& row : JournalOptions(files, debian))
    if (row.option() == option) return Show(row);
  return "no row";
}

TEST(JournalConfig, WithoutFilesTheDefaultsHold) {
  EXPECT_EQ(JournalOptions({}, true).size(), 30);
  EXPECT_EQ(Value({}, "Storage"), "auto (default)");
  EXPECT_EQ(Value({}, "SystemMaxUse"), " (default)");
  EXPECT_EQ(Value({}, "ForwardToSyslog"), "yes (default)");
  EXPECT_EQ(Value({}, "ForwardToSyslog", false), "no (default)");
  EXPECT_EQ(Value({}, "Audit", false), "yes (default)");
  EXPECT_EQ(Value({}, "ForwardToSocket"), "no row");
}

TEST(JournalConfig, ALaterFileWins) {
  const std::vector<JournalConf> files = {
      {"/a", "[Journal]\nStorage=volatile\nSeal=0\n"},
      {"/b", "[Journal]\n Storage = persistent \n"}};
  EXPECT_EQ(Value(files, "Storage"), "persistent (/b)");
  EXPECT_EQ(Value(files, "Seal"), "no (/a)");
}

TEST(JournalConfig, OnlyItsSectionAndNoCommentsCount) {
  const std::vector<JournalConf> files = {
      {"/a", "Storage=none\n[Other]\nStorage=none\n[Journal]\n"
             "#Storage=none\n;Storage=none\n[journal]\nStorage=none\n"}};
  EXPECT_EQ(Value(files, "Storage"), "auto (default)");
}

TEST(JournalConfig, WhatJournaldWouldNotParseChangesNothing) {
  const std::vector<JournalConf> files = {
      {"/a", "[Journal]\nStorage=volatile\nSystemMaxUse=1G\n"
             "MaxRetentionSec=1year\n"},
      {"/b", "[Journal]\nStorage=persistant\nStorage\nSystemMaxUse=\n"
             "MaxRetentionSec=long\nMaxLevelStore=loud\nRateLimitBurst=-1\n"
             "Unknown=1\n=\n"}};
  EXPECT_EQ(Value(files, "Storage"), "volatile (/a)");
  EXPECT_EQ(Value(files, "SystemMaxUse"), "1G (/a)");
  EXPECT_EQ(Value(files, "MaxRetentionSec"), "1year (/a)");
  EXPECT_EQ(Value(files, "MaxLevelStore"), "debug (default)");
  EXPECT_EQ(Value(files, "RateLimitBurst"), "10000 (default)");
}

TEST(JournalConfig, AnEmptyValueResetsWhereJournaldSaysSo) {
  const std::vector<JournalConf> files = {
      {"/a", "[Journal]\nCompress=no\nLineMax=1K\nTTYPath=/dev/tty1\n"},
      {"/b", "[Journal]\nCompress=\nLineMax=\nTTYPath=\n"}};
  EXPECT_EQ(Value(files, "Compress"), "yes (default)");
  EXPECT_EQ(Value(files, "LineMax"), "48K (default)");
  EXPECT_EQ(Value(files, "TTYPath"), "/dev/console (default)");
}

TEST(JournalConfig, SpellingsAreMadeOne) {
  const std::vector<JournalConf> files = {
      {"/a", "[Journal]\nSeal=OFF\nCompress=8K\nMaxLevelStore=4\n"
             "RateLimitInterval=10s\nForwardToSocket=vsock:2:1234\r\n"}};
  EXPECT_EQ(Value(files, "Seal"), "no (/a)");
  EXPECT_EQ(Value(files, "Compress"), "8K (/a)");
  EXPECT_EQ(Value(files, "MaxLevelStore"), "warning (/a)");
  EXPECT_EQ(Value(files, "RateLimitIntervalSec"), "10s (/a)");
  EXPECT_EQ(Value(files, "ForwardToSocket"), "vsock:2:1234 (/a)");
}

TEST(JournalConfig, SpansOfTimeAreAlsoToldInSeconds) {
  const auto seconds = [](const std::string& value) {
    for (const v1::JournalOption& row : JournalOptions(
             {{"/a", "[Journal]\nMaxRetentionSec=" + value + "\n"}}, true))
      if (row.option() == "MaxRetentionSec") return row.seconds();
    return int64_t{-1};
  };
  EXPECT_EQ(seconds("0"), 0);
  EXPECT_EQ(seconds("0.5d"), 43200);
  EXPECT_EQ(seconds("3month"), 7889400);
  EXPECT_EQ(seconds("1ms"), 1) << "not off";
  EXPECT_EQ(seconds("infinity"), 0);
  EXPECT_EQ(seconds("1 parsec"), 0) << "the default";
  for (const v1::JournalOption& row : JournalOptions({}, true)) {
    if (row.option() == "MaxFileSec") {
      EXPECT_EQ(row.seconds(), 2629800);
    } else if (row.option() == "SystemMaxFiles") {
      EXPECT_EQ(row.seconds(), 0) << "no span of time";
    }
  }
}

TEST(JournalConfig, ABackslashContinuesALine) {
  const std::vector<JournalConf> files = {
      {"/a", "[Journal]\nStorage=\\\n# between\npersistent\nSeal=no\\"}};
  EXPECT_EQ(Value(files, "Storage"), "persistent (/a)");
  EXPECT_EQ(Value(files, "Seal"), "no (/a)");
}

TEST(JournalConfig, OfAHostThatCannotBeSeenIsNotAbsent) {
  HostFolder folder;
  v1::Snapshot snapshot;
  const RecordedHost host(folder.path());
  EXPECT_TRUE(IsAbsent(CollectJournalConfig(host, snapshot)));
  // A link to itself stands for whatever keeps us from looking.
  folder.Link("usr/lib/systemd/systemd-journald", "systemd-journald");
  EXPECT_EQ(CollectJournalConfig(host, snapshot).code(),
            absl::StatusCode::kFailedPrecondition);
  folder.Write("lib/systemd/systemd-journald", "");
  boost::filesystem::remove(folder.path() / "usr/lib/systemd/systemd-journald");
  EXPECT_TRUE(CollectJournalConfig(host, snapshot).ok());
  folder.Link("etc/debian_version", "debian_version");
  EXPECT_EQ(CollectJournalConfig(host, snapshot).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(Words, CutsWhereBlanksAre) {
  EXPECT_EQ(Words(" a\tb  c "),
            (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(Words(" \t").empty());
  EXPECT_EQ(Strip(" a b\r\n"), "a b");
  EXPECT_EQ(Lines("a\n\nb"), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_TRUE(Lines("").empty());
  EXPECT_EQ(Pieces("a,,b", ','),
            (std::vector<std::string_view>{"a", "", "b"}));
}

TEST(Words, NumbersAreWholeOrNone) {
  EXPECT_EQ(Number("-1"), -1);
  EXPECT_EQ(Number("+7"), 7);
  EXPECT_FALSE(Number("7x").has_value());
  EXPECT_FALSE(Number("").has_value());
  EXPECT_FALSE(Number("99999999999999999999").has_value());
  EXPECT_EQ(TwoDigits(98765), 98000);
  EXPECT_EQ(TwoDigits(99), 99);
  EXPECT_EQ(TwoDigits(0), 0);
}

}  // namespace
}  // namespace metsuke
