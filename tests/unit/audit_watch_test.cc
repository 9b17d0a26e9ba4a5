#include "collectors/audit_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstring>

#include "collectors/audit.h"
#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "collectors/recording.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectLogGaps(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A look every hundred seconds.
std::vector<std::string> After(const std::vector<AuditCounters>& looks) {
  AuditWatch watch;
  int64_t time = 0;
  for (AuditCounters look : looks) {
    look.time = time += 100;
    // As from one run to the next.
    watch = AuditWatch(watch.ToText());
    watch.Look(look);
  }
  std::vector<std::string> told;
  for (const LogPause& pause : watch.Told())
    told.push_back(
        fmt::format("{}-{} {}", pause.since, pause.until, pause.reason));
  return told;
}

AuditCounters Waiting(uint32_t backlog) {
  return {.enabled = true, .backlog = backlog, .backlog_limit = 1000};
}
AuditCounters Lost(uint32_t lost) {
  return {.enabled = true, .lost = lost, .backlog_limit = 64};
}

TEST(AuditWatch, WhatIsLostFromOneLookToTheNextIsTold) {
  EXPECT_THAT(After({Lost(0), Lost(0)}), IsEmpty());
  // What was lost before the first look may have been before any.
  EXPECT_THAT(After({Lost(70), Lost(70)}), IsEmpty());
  EXPECT_THAT(After({Lost(70), Lost(103)}),
              ElementsAre("100-200 30 records of audit lost, by the kernel's "
                          "count"));
  EXPECT_THAT(After({Lost(0), Lost(3), Lost(7), Lost(7), Lost(8)}),
              ElementsAre("100-300 7 records of audit lost, by the kernel's "
                          "count",
                          "400-500 1 record of audit lost, by the kernel's "
                          "count"));
  // After a boot it counts anew.
  EXPECT_THAT(After({Lost(7), Lost(0), Lost(2)}),
              ElementsAre("200-300 2 records of audit lost, by the kernel's "
                          "count"));
}

TEST(AuditWatch, WhatIsSwitchedOffLosesNothing) {
  AuditCounters off = Lost(9);
  off.enabled = false;
  EXPECT_THAT(After({Lost(5), off, Lost(9)}), IsEmpty());
  EXPECT_THAT(After({off, Lost(10)}),
              ElementsAre("100-200 1 record of audit lost, by the kernel's "
                          "count"));
}

TEST(AuditWatch, ABurstIsNoBacklog) {
  EXPECT_THAT(After({Waiting(0), Waiting(700), Waiting(0)}), IsEmpty());
  EXPECT_THAT(After({Waiting(700), Waiting(300), Waiting(110)}), IsEmpty());
  EXPECT_THAT(After({Waiting(20), Waiting(100)}), IsEmpty());
  // Without a limit there is no share of it.
  EXPECT_THAT(After({{.backlog = 5000}, {.backlog = 9000}}), IsEmpty());
}

TEST(AuditWatch, ABacklogThatRisesOrIsFullIsTold) {
  EXPECT_THAT(After({Waiting(0), Waiting(200), Waiting(340), Waiting(560)}),
              ElementsAre("200-400 records of audit waited: up to 50% of the "
                          "backlog limit"));
  EXPECT_THAT(After({Waiting(950)}),
              ElementsAre("100-100 records of audit waited: up to 90% of the "
                          "backlog limit"));
  EXPECT_THAT(After({Waiting(0), Waiting(1001), Waiting(900), Waiting(0)}),
              ElementsAre("100-300 records of audit waited: up to 100% of the "
                          "backlog limit"));
}

TEST(AuditWatch, IsForgottenAfterADay) {
  std::vector<AuditCounters> looks = {Waiting(0), Waiting(1000)};
  looks.resize(2 + 864, Waiting(0));
  EXPECT_EQ(After(looks).size(), 1u);
  looks.push_back(Waiting(0));
  EXPECT_THAT(After(looks), IsEmpty());
  // However often, what is kept is bounded.
  looks = {};
  for (int i = 0; i < 100; ++i)
    looks.insert(looks.end(), {Waiting(1000), Waiting(0)});
  EXPECT_EQ(After(looks).size(), 20u);
}

TEST(AuditWatch, OtherTextIsNone) {
  for (const char* text : {"", "1 2 3", "x", "1 2 3 4 5"})
    EXPECT_EQ(AuditWatch(text).ToText(), "0 0 0 0") << text;
}

// What the kernel answers, as linux/audit.h lays it down.
void Answer(HostFolder& folder, uint32_t lost, uint32_t backlog,
            uint32_t daemon = 711, uint32_t socket = 0) {
  const uint32_t words[] = {0, 1, 1, daemon, 0, 1000, lost, backlog};
  nlmsghdr header{};
  header.nlmsg_pid = socket;
  header.nlmsg_len = NLMSG_HDRLEN + sizeof words;
  header.nlmsg_type = AUDIT_GET;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(words), sizeof words);
  folder.Write("netlink/audit_status", bytes);
}

TEST(AuditWatch, WithoutADaemonNoneIsBehind) {
  HostFolder folder;
  const RecordedHost host(folder.path());
  Answer(folder, 5, 950);
  EXPECT_EQ(AskAuditCounters(host)->backlog, 950u);
  Answer(folder, 5, 950, 0);
  EXPECT_EQ(AskAuditCounters(host)->backlog, 0u);
  EXPECT_EQ(AskAuditCounters(host)->lost, 5u);
}

TEST(AuditWatch, TheCollectorRunsAgainWhenTheKernelSaysOtherwise) {
  HostFolder folder;
  const RecordedHost host(folder.path());
  folder.Write("etc/audit/auditd.conf", "log_file = /data/audit.log\n");
  Answer(folder, 5, 20);
  sleep(2);  // a file that has just been made is not trusted to be as it was
  const Collector collector{"log_gaps", CollectLogGaps};
  v1::Outcome outcome = RunCollector(host, collector);
  const auto unchanged = [&] {
    return host.Unchanged(Recording(outcome.recorded()));
  };
  EXPECT_FALSE(outcome.recorded().live());
  EXPECT_TRUE(unchanged());
  Answer(folder, 5, 20, 711, 4242);
  EXPECT_TRUE(unchanged()) << "another socket asks";
  Answer(folder, 6, 20);
  EXPECT_FALSE(unchanged());
  outcome = RunCollector(host, collector, outcome.recorded());
  EXPECT_TRUE(outcome.recorded().live()) << "a later look forgets it";
  boost::filesystem::remove(folder.path() / "netlink/audit_status");
  outcome = RunCollector(host, collector);
  EXPECT_TRUE(unchanged()) << "the kernel still tells nothing";
  Answer(folder, 6, 20);
  EXPECT_FALSE(unchanged());
}

TEST(AuditWatch, TheCollectorRemembersTheLastLook) {
  HostFolder folder;
  folder.Write("etc/audit/auditd.conf", "log_file = /data/audit.log\n");
  const RecordedHost host(folder.path());
  const Collector collector{"log_gaps", CollectLogGaps};
  v1::Outcome outcome;
  const auto look = [&](uint32_t lost, uint32_t backlog) {
    Answer(folder, lost, backlog);
    outcome = RunCollector(host, collector, outcome.recorded());
    v1::Snapshot snapshot;
    EXPECT_TRUE(snapshot.ParseFromString(outcome.canonical()));
    std::vector<std::string> rows;
    for (const v1::LogGap& row : snapshot.log_gaps())
      rows.push_back(
          fmt::format("{} {} {}", row.source(), row.path(), row.reason()));
    return rows;
  };
  EXPECT_THAT(look(5, 200), IsEmpty());
  const char* kWaited =
      "audit /data/audit.log records of audit waited: up to 30% of the backlog "
      "limit";
  EXPECT_THAT(look(5, 300), ElementsAre(kWaited));
  EXPECT_THAT(look(9, 0),
              testing::UnorderedElementsAre(
                  kWaited, "audit /data/audit.log 4 records of audit lost, by "
                           "the kernel's count"));
  // A look at which the kernel does not answer forgets nothing.
  folder.Write("netlink/audit_status", "?");
  const auto answered = outcome.recorded();
  outcome = RunCollector(host, collector, answered);
  v1::Snapshot snapshot;
  EXPECT_TRUE(snapshot.ParseFromString(outcome.canonical()));
  EXPECT_EQ(snapshot.log_gaps_size(), 2);
  EXPECT_THAT(look(10, 0),
              testing::Contains("audit /data/audit.log 5 records of audit lost, "
                                "by the kernel's count"));
}

}  // namespace
}  // namespace metsuke
