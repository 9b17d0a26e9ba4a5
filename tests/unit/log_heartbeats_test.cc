// The collector log_heartbeats on hosts made of folders.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "collectors/cycle.h"
#include "collectors/heartbeat_line.h"
#include "proto/snapshot.pb.h"
#include "tests/unit/host_folder.h"

namespace metsuke {

absl::Status CollectLogHeartbeats(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;

constexpr char kMachine[] = "506cd7e4af1a4b3fa915e5b9018b068e";
constexpr Collector kCollectors[] = {{"log_heartbeats", CollectLogHeartbeats}};

class LogHeartbeatsTest : public testing::Test {
 protected:
  LogHeartbeatsTest()
      : host_(folder_.path()), cycle_(host_, kCollectors, {.in_process = true}) {
    folder_.Write("etc/machine-id", std::string(kMachine) + "\n");
    folder_.Write("usr/sbin/rsyslogd", "");
    folder_.Write("etc/rsyslog.conf",
                  "*.info;authpriv.none /var/log/messages\n"
                  "authpriv.* /var/log/secure\n"
                  "*.err;mail.* /var/log/errors\n"
                  "authpriv.=notice /var/log/notices\n");
    host_.Expect(7);
  }

  static std::string Line(const char* facility, uint64_t number = 7) {
    return "Nov 22 20:00:00 web01 metsuke-agent[9]: " +
           HeartbeatLine(facility, number) + "\n";
  }

  void Logs(const std::string& messages, const std::string& secure) {
    folder_.Write("var/log/messages", messages);
    folder_.Write("var/log/secure", secure);
  }

  // A journal with `text` in it, in a file with room behind the last object.
  void Journal(const std::string& name, const std::string& text) {
    constexpr uint64_t kTail = 9 << 20;
    std::string file(40 << 20, '\0');
    file.replace(0, 8, "LPKSHHRH");
    memcpy(&file[136], &kTail, sizeof kTail);
    file.replace(kTail - text.size(), text.size(), text);
    folder_.Write(fmt::format("var/log/journal/{}/{}", kMachine, name), file);
  }

  std::vector<std::string> Rows() {
    const v1::Collected collected = cycle_.Look(TableBit("log_heartbeats"));
    v1::Snapshot snapshot;
    for (const v1::CollectedTable& table : collected.tables())
      EXPECT_TRUE(snapshot.MergeFromString(table.canonical()));
    std::vector<std::string> rows;
    for (const v1::LogHeartbeat& row : snapshot.log_heartbeats())
      rows.push_back(
          fmt::format("{} {} {}", row.path().substr(row.path().rfind('/') + 1),
                      row.facility(), row.arrived()));
    for (const v1::Gap& gap : snapshot.gaps())
      rows.push_back(fmt::format("gap {}: {}", gap.subject(), gap.reason()));
    for (const v1::Collection& row : snapshot.collections())
      if (row.status() != "ok")
        rows.push_back(row.status() + ": " + row.message());
    return rows;
  }

  HostFolder folder_;
  Host host_;
  Cycle cycle_;
};

TEST_F(LogHeartbeatsTest, AreLookedForWhereTheyMustBe) {
  Logs("x\n" + Line("daemon"), Line("authpriv") + "x\n");
  Journal("system.journal",
          "MESSAGE=" + Line("daemon") + "MESSAGE=" + Line("authpriv"));
  EXPECT_THAT(Rows(), ElementsAre("system.journal authpriv true",
                                  "system.journal daemon true",
                                  "messages daemon true",
                                  "secure authpriv true"));
}

TEST_F(LogHeartbeatsTest, AreMissedUntilTheyArrive) {
  Logs(Line("daemon"), Line("daemon") + Line("authpriv", 6));
  Journal("system.journal", Line("authpriv"));
  // It may be late.
  constexpr char kLate[] =
      "the line that was given to syslog(3) has not arrived yet; the next look "
      "tells";
  EXPECT_THAT(Rows(),
              ElementsAre("system.journal authpriv true", "messages daemon true",
                          fmt::format("gap /var/log/journal/{}/system.journal: {}",
                                      kMachine, kLate),
                          fmt::format("gap /var/log/secure: {}", kLate)));
  EXPECT_THAT(Rows(), ElementsAre("system.journal authpriv true",
                                  "system.journal daemon false",
                                  "messages daemon true",
                                  "secure authpriv false"));
  Logs("", Line("authpriv"));
  Journal("system.journal", Line("authpriv") + Line("daemon"));
  EXPECT_THAT(Rows(), ElementsAre("system.journal authpriv true",
                                  "system.journal daemon true",
                                  "messages daemon false",
                                  "secure authpriv true"));
}

TEST_F(LogHeartbeatsTest, AreNotExpectedOfAJournalThatKeepsNone) {
  folder_.Write("etc/rsyslog.conf", "");
  folder_.Write("usr/lib/systemd/systemd-journald", "");
  Journal("system.journal", Line("daemon") + Line("authpriv"));
  EXPECT_THAT(Rows(), ElementsAre("system.journal authpriv true",
                                  "system.journal daemon true"));
  uint64_t number = 7;
  for (const char* line : {"Storage=none", "MaxLevelStore=notice"}) {
    folder_.Write("etc/systemd/journald.conf", fmt::format("[Journal]\n{}\n", line));
    host_.Expect(++number);
    EXPECT_THAT(Rows(), ElementsAre("absent: the host keeps no journal and no "
                                    "file of a system logger"))
        << line;
  }
}

TEST_F(LogHeartbeatsTest, AreLookedForOnce) {
  Logs(Line("daemon"), Line("authpriv"));
  const std::vector<std::string> rows = Rows();
  // What comes after may push the line out of what is looked through.
  Logs("", "");
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(cycle_.runs(), 1u);
  host_.Expect(8);
  Logs(Line("daemon", 8), Line("authpriv", 8));
  EXPECT_EQ(Rows(), rows);
  EXPECT_EQ(cycle_.runs(), 2u);
}

TEST_F(LogHeartbeatsTest, AreFoundBehindRotationAndAcrossBlocks) {
  folder_.Write("var/log/messages", "begun anew\n");
  uint64_t number = 7;
  for (const size_t behind : {(size_t{1} << 20) - 5, (size_t{3} << 20) - 20,
                              (size_t{15} << 20)}) {
    host_.Expect(++number);
    folder_.Write("var/log/messages.1", Line("daemon", number));
    folder_.Write("var/log/secure", std::string(size_t{5} << 20, '\n') +
                                        Line("authpriv", number) +
                                        std::string(behind, '\n'));
    EXPECT_THAT(Rows(),
                ElementsAre("messages daemon true", "secure authpriv true"));
  }
}

TEST_F(LogHeartbeatsTest, WithoutOneNothingIsKnown) {
  Logs(Line("daemon", 0), Line("authpriv", 0));
  host_.Expect(0);
  EXPECT_THAT(Rows(),
              ElementsAre("unavailable: the agent gave no line to look for"));
}

TEST_F(LogHeartbeatsTest, AHostWithoutLogsHasNone) {
  folder_.Write("etc/rsyslog.conf", "*.* @@loghost:514\n");
  EXPECT_THAT(Rows(), ElementsAre("absent: the host keeps no journal and no "
                                  "file of a system logger"));
}

}  // namespace
}  // namespace metsuke
