#include "collectors/cycle.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <boost/filesystem/operations.hpp>
#include <fstream>

#include "absl/strings/match.h"
#include "collectors/once.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

// A collector of its own for each thing that can happen to one.
absl::Status CollectGroups(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::string text, host.Read("/etc/group"));
  snapshot.add_groups()->set_name(text);
  snapshot.add_groups()->set_name("a");
  AddGap(snapshot, "groups", "/etc/gshadow", "closed");
  return absl::OkStatus();
}
absl::Status Crash(const Host&, v1::Snapshot& snapshot) {
  snapshot.add_ports();
  raise(SIGSEGV);
  return absl::OkStatus();
}
absl::Status Hang(const Host&, v1::Snapshot&) {
  while (true) pause();
}
absl::Status Spin(const Host&, v1::Snapshot&) {
  for (static volatile uint64_t rounds;;) rounds = rounds + 1;
}
absl::Status Throw(const Host&, v1::Snapshot&) {
  throw std::runtime_error("caf\xe9");
}
absl::Status Gobble(const Host&, v1::Snapshot&) {
  std::string all;
  while (true) all.append(64 << 20, 'x');
}
absl::Status Exit(const Host&, v1::Snapshot&) { _exit(7); }
absl::Status NotUtf8(const Host&, v1::Snapshot& snapshot) {
  snapshot.add_services()->set_name("caf\xe9");
  return absl::OkStatus();
}
absl::Status Missing(const Host& host, v1::Snapshot& snapshot) {
  snapshot.add_sshd_options();
  return host.Read("/etc/none").status();
}
absl::Status NotHere(const Host& host, v1::Snapshot&) {
  (void)host.Stat("/usr/bin/none");
  return Absent("sudo is not installed");
}
absl::Status Live(const Host& host, v1::Snapshot& snapshot) {
  host.ReadLive();
  snapshot.add_timers()->set_name("t");
  return absl::OkStatus();
}

absl::Status Large(const Host&, v1::Snapshot& snapshot) {
  for (int i = 0; i < 3000; ++i) {
    snapshot.add_services()->set_name(std::string(30, 'a') + std::to_string(i));
    AddGap(snapshot, "services", std::to_string(i), "closed");
  }
  return absl::OkStatus();
}

class CycleTest : public testing::Test {
 protected:
  CycleTest() : root_(fs::temp_directory_path() / fs::unique_path()) {
    fs::create_directories(root_ / "etc");
    WriteGroup("wheel");
  }
  ~CycleTest() override { fs::remove_all(root_); }

  void WriteGroup(const std::string& text) {
    std::ofstream((root_ / "etc/group").c_str()) << text;
  }

  static v1::Snapshot Rows(const v1::Collected& collected) {
    v1::Snapshot snapshot;
    for (const auto& table : collected.tables())
      EXPECT_TRUE(snapshot.MergeFromString(table.canonical()))
          << table.table();
    return snapshot;
  }
  static std::string Fate(const v1::Snapshot& snapshot,
                          const std::string& table) {
    for (const auto& row : snapshot.collections())
      if (row.table() == table)
        return row.status() +
               (row.message().empty() ? "" : ": " + row.message());
    return "no row";
  }

  const fs::path root_;
};

constexpr std::array<Collector, 9> kAll = {{{"services", NotUtf8},
                                             {"timers", Live},
                                             {"ports", Crash},
                                             {"sshd_options", Missing},
                                             {"authorized_keys", Exit},
                                             {"groups", CollectGroups},
                                             {"sudo_rules", NotHere},
                                             {"sysctls", Hang},
                                             {"journal_config", Throw}}};

TEST(AddGap, OfAColumnThatIsNotThereConcernsTheWholeTable) {
  v1::Snapshot snapshot;
  AddGap(snapshot, "ports", "a", "closed", {"program", "user"});
  AddGap(snapshot, "ports", "b", "closed", {"program", "owner"});
  EXPECT_EQ(snapshot.gaps(0).columns_size(), 2);
  EXPECT_EQ(snapshot.gaps(1).columns_size(), 0);
}

TEST_F(CycleTest, WhatHappensToOneCollectorCostsItsTableAlone) {
  const Host host(root_);
  CycleOptions options;
  options.limits.deadline = std::chrono::milliseconds(700);
  Cycle cycle(host, kAll, options);
  const v1::Snapshot seen = Rows(cycle.Look(~uint64_t{0}));
  EXPECT_EQ(Fate(seen, "groups"), "ok");
  ASSERT_EQ(seen.groups_size(), 2);
  EXPECT_EQ(seen.groups(1).name(), "wheel");
  ASSERT_EQ(seen.gaps_size(), 1);
  EXPECT_EQ(seen.gaps(0).subject(), "/etc/gshadow");
  EXPECT_EQ(Fate(seen, "ports"), "internal: collector crashed (signal 11)");
  EXPECT_EQ(seen.ports_size(), 0);
  EXPECT_EQ(Fate(seen, "sysctls"),
            "deadline_exceeded: collector not done after 700 ms");
  EXPECT_EQ(Fate(seen, "authorized_keys"),
            "internal: collector ended without an answer (exit code 7)");
  EXPECT_EQ(Fate(seen, "sudo_rules"), "absent: sudo is not installed");
  EXPECT_EQ(Fate(seen, "journal_config"),
            "internal: collector threw: caf\uFFFD");
  EXPECT_EQ(Fate(seen, "services"),
            "internal: collector made a row that is not UTF-8");
  EXPECT_TRUE(absl::StartsWith(Fate(seen, "sshd_options"), "not_found: "));
  EXPECT_EQ(seen.sshd_options_size(), 0);
  EXPECT_EQ(Fate(seen, "host"), "unimplemented: this build has no collector");
}

#ifndef __SANITIZE_ADDRESS__
TEST_F(CycleTest, EndlessMemoryIsNotGiven) {
  const Host host(root_);
  constexpr std::array<Collector, 1> kGobble = {{{"accounts", Gobble}}};
  const v1::Snapshot seen =
      Rows(Cycle(host, kGobble, {}).Look(TableBit("accounts")));
  EXPECT_EQ(Fate(seen, "accounts"),
            "resource_exhausted: collector ran out of memory");
}
#endif

TEST_F(CycleTest, EndlessComputingIsCutOff) {
  const Host host(root_);
  constexpr std::array<Collector, 1> kSpin = {{{"groups", Spin}}};
  CycleOptions options;
  options.limits.deadline = std::chrono::seconds(1);
  const auto start = std::chrono::steady_clock::now();
  const v1::Snapshot seen =
      Rows(Cycle(host, kSpin, options).Look(TableBit("groups")));
  EXPECT_TRUE(absl::StartsWith(Fate(seen, "groups"), "deadline_exceeded: "));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_F(CycleTest, ACycleOfHangingCollectorsEnds) {
  const Host host(root_);
  constexpr std::array<Collector, 3> kHang = {
      {{"groups", Hang}, {"ports", Hang}, {"sysctls", Hang}}};
  CycleOptions options;
  options.limits.deadline = std::chrono::milliseconds(300);
  options.budget = std::chrono::milliseconds(200);
  options.jobs = 1;
  const v1::Snapshot seen =
      Rows(Cycle(host, kHang, options).Look(~uint64_t{0}));
  EXPECT_EQ(Fate(seen, "groups"),
            "deadline_exceeded: collector not done after 300 ms");
  EXPECT_EQ(Fate(seen, "sysctls"),
            "deadline_exceeded: not started: the other collectors took 200 ms");
}

absl::Status Slow(const Host& host, v1::Snapshot&) {
  host.ReadLive();
  usleep(150'000);
  return absl::OkStatus();
}

TEST_F(CycleTest, SlowCollectorsDoNotMakeACycleLongerThanItsBudget) {
  const Host host(root_);
  constexpr std::array<Collector, 4> kSlow = {
      {{"groups", Slow}, {"ports", Slow}, {"sysctls", Slow}, {"timers", Slow}}};
  CycleOptions options;
  options.budget = std::chrono::milliseconds(200);
  options.jobs = 1;
  const v1::Snapshot seen =
      Rows(Cycle(host, kSlow, options).Look(~uint64_t{0}));
  EXPECT_EQ(Fate(seen, "ports"), "ok");
  EXPECT_EQ(Fate(seen, "sysctls"),
            "deadline_exceeded: collector cut off: the time of the cycle was "
            "over");
  EXPECT_EQ(Fate(seen, "timers"),
            "deadline_exceeded: not started: the other collectors took 200 ms");
}

TEST_F(CycleTest, UnchangedInputsAreNotCollectedAgain) {
  const Host host(root_);
  constexpr std::array<Collector, 3> kThree = {
      {{"groups", CollectGroups}, {"timers", Live}, {"sudo_rules", NotHere}}};
  Cycle cycle(host, kThree);
  const uint64_t mask =
      TableBit("groups") | TableBit("timers") | TableBit("sudo_rules");
  usleep(1'100'000);  // so that the file's times can be trusted
  const std::string first = cycle.Look(mask).SerializeAsString();
  EXPECT_EQ(cycle.runs(), 3u);
  EXPECT_EQ(cycle.Look(mask).SerializeAsString(), first);
  EXPECT_EQ(cycle.runs(), 4u);  // the one that is live
  WriteGroup("sudo");
  EXPECT_EQ(Rows(cycle.Look(mask)).groups(1).name(), "sudo");
  EXPECT_EQ(cycle.runs(), 6u);
}

// Comes to where no signal ends it, as a process that waits for a dead disk
// does: a tracer holds it at its exit for two seconds (ptrace(2)).
absl::Status SleepInTheKernel(const Host& host, v1::Snapshot&) {
  host.ReadLive();
  const pid_t sleeper = getpid();
  int ready[2];
  if (pipe(ready) != 0) return absl::InternalError("pipe");
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  if (fork() == 0) {
    const bool traces = ptrace(PTRACE_SEIZE, sleeper, nullptr,
                               PTRACE_O_TRACEEXIT) == 0;
    if (write(ready[1], traces ? "y" : "n", 1) == 1) sleep(2);
    _exit(0);
  }
  char traced = 'n';
  if (read(ready[0], &traced, 1) != 1 || traced != 'y')
    return absl::InternalError("nobody traces");
  while (true) pause();
}

TEST_F(CycleTest, AChildThatNoSignalEndsHoldsUpNothing) {
  const Host host(root_);
  constexpr std::array<Collector, 2> kTwo = {
      {{"ports", SleepInTheKernel}, {"groups", CollectGroups}}};
  CycleOptions options;
  options.limits.deadline = std::chrono::milliseconds(300);
  Cycle cycle(host, kTwo, options);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Fate(Rows(cycle.Look(~uint64_t{0})), "ports"),
            "deadline_exceeded: collector not done after 300 ms");
  const v1::Snapshot seen = Rows(cycle.Look(~uint64_t{0}));
  EXPECT_EQ(Fate(seen, "ports"),
            "deadline_exceeded: an earlier run still waits in the kernel");
  EXPECT_EQ(Fate(seen, "groups"), "ok");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  usleep(2'500'000);
  EXPECT_EQ(Fate(Rows(cycle.Look(TableBit("ports"))), "ports"),
            "deadline_exceeded: collector not done after 300 ms")
      << "it is run again when the kernel has let go of the other";
  usleep(2'500'000);
  cycle.Look(0);  // takes leave of it
}

// Leaves a note, and hangs while it is told to.
absl::Status NoteOrHang(const Host& host, v1::Snapshot& snapshot) {
  host.ReadLive();
  if (host.Stat("/etc/hang").ok()) return Hang(host, snapshot);
  snapshot.add_groups()->set_name("left: " + host.Left("note"));
  host.Leave("note", "remembered");
  return absl::OkStatus();
}

TEST_F(CycleTest, OneThatIsCutOffRemembersWhatItDidBefore) {
  const Host host(root_);
  constexpr std::array<Collector, 1> kOne = {{{"groups", NoteOrHang}}};
  CycleOptions options;
  options.limits.deadline = std::chrono::milliseconds(300);
  Cycle cycle(host, kOne, options);
  const auto look = [&] { return Rows(cycle.Look(TableBit("groups"))); };
  EXPECT_EQ(look().groups(0).name(), "left: ");
  std::ofstream((root_ / "etc/hang").c_str()) << "x";
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(
        absl::StartsWith(Fate(look(), "groups"), "deadline_exceeded: "));
  fs::remove(root_ / "etc/hang");
  EXPECT_EQ(look().groups(0).name(), "left: remembered");
}

TEST_F(CycleTest, WhatIsTooLargeForTheWireIsLeftOutAlone) {
  const Host host(root_);
  constexpr std::array<Collector, 3> kThree = {
      {{"groups", CollectGroups}, {"timers", Live}, {"services", Large}}};
  CycleOptions options;
  options.most_bytes = 100'000;
  Cycle cycle(host, kThree, options);
  for (int i = 0; i < 2; ++i) {
    const v1::Collected collected = cycle.Look(~uint64_t{0});
    const v1::Snapshot seen = Rows(collected);
    EXPECT_EQ(Fate(seen, "services"),
              "resource_exhausted: the tables of the host have more than "
              "100000 bytes, and this is the largest");
    EXPECT_EQ(seen.services_size(), 0);
    EXPECT_EQ(Fate(seen, "groups"), "ok");
    EXPECT_EQ(seen.groups_size(), 2);
    EXPECT_EQ(seen.gaps_size(), 1) << "its gaps are gone with it";
    EXPECT_EQ(seen.timers_size(), 1);
    EXPECT_LT(collected.ByteSizeLong(), 100'000u);
  }
}

TEST_F(CycleTest, AnErrorIsTriedAgain) {
  const Host host(root_);
  constexpr std::array<Collector, 1> kOne = {{{"sshd_options", Missing}}};
  Cycle cycle(host, kOne);
  cycle.Look(TableBit("sshd_options"));
  cycle.Look(TableBit("sshd_options"));
  EXPECT_EQ(cycle.runs(), 2u);
}

TEST_F(CycleTest, AskingForLessDoesNotChangeWhatIsSaidOfTheRest) {
  const Host host(root_);
  constexpr std::array<Collector, 2> kTwo = {
      {{"groups", CollectGroups}, {"timers", Live}}};
  Cycle cycle(host, kTwo);
  const v1::Collected all =
      cycle.Look(TableBit("groups") | TableBit("timers"));
  const v1::Collected some = cycle.Look(TableBit("timers"));
  ASSERT_EQ(all.tables_size(), 4);
  EXPECT_EQ(all.tables(0).table(), "collections");
  EXPECT_EQ(all.tables(1).table(), "gaps");
  EXPECT_EQ(all.tables(2).table(), "timers");
  EXPECT_EQ(all.tables(3).table(), "groups");
  ASSERT_EQ(some.tables_size(), 3);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(some.tables(i).canonical(), all.tables(i).canonical());
}

TEST_F(CycleTest, InProcessFindsTheSame) {
  const Host host(root_);
  constexpr std::array<Collector, 3> kThree = {
      {{"groups", CollectGroups}, {"timers", Live}, {"sudo_rules", NotHere}}};
  CycleOptions in_process;
  in_process.in_process = true;
  EXPECT_EQ(Cycle(host, kThree, in_process).Look(~uint64_t{0}).SerializeAsString(),
            Cycle(host, kThree).Look(~uint64_t{0}).SerializeAsString());
}

TEST_F(CycleTest, TheParentStaysSmallAndLeavesNoChildrenOrDescriptors) {
  const Host host(root_);
  CycleOptions options;
  options.limits.deadline = std::chrono::milliseconds(300);
  Cycle cycle(host, kAll, options);
  for (int i = 0; i < 2; ++i) cycle.Look(~uint64_t{0});  // opens its own
  const auto open_now = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"),
                         fs::directory_iterator());
  };
  const auto before = open_now();
  for (int i = 0; i < 3; ++i) cycle.Look(~uint64_t{0});
  EXPECT_EQ(open_now(), before);
  std::ifstream children("/proc/self/task/" + std::to_string(gettid()) +
                         "/children");
  EXPECT_TRUE(children.is_open());
  int child;
  EXPECT_FALSE(children >> child) << child;
}

TEST(Once, PrintsTheNamesOfTheSchemaAndOnlyWhatWasAsked) {
  v1::Snapshot snapshot;
  snapshot.add_ports()->set_port(22);
  v1::Collected collected;
  collected.add_tables()->set_table("ports");
  collected.mutable_tables(0)->set_canonical(snapshot.SerializeAsString());
  const auto json = AsJson(collected);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_TRUE(absl::StrContains(*json, "\"port\": 22"));
  EXPECT_TRUE(absl::StrContains(*json, "\"owner_package\"") ||
              absl::StrContains(*json, "\"package\""))
      << *json;
  EXPECT_FALSE(absl::StrContains(*json, "services"));
}

TEST(Once, AnUnknownTableIsNamedWithASuggestion) {
  EXPECT_EQ(Message(MaskOf({"port"}).status()),
            "no table is called 'port'; did you mean ports?");
  EXPECT_EQ(*MaskOf({"ports", "gaps"}), uint64_t{1} << 9 | uint64_t{1} << 2);
}

}  // namespace
}  // namespace metsuke
