#include "collectors/journal_events.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "collectors/audit_events.h"
#include "collectors/collector.h"
#include "collectors/cycle.h"
#include "proto/event_id.h"
#include "proto/run.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMachine[] = "506cd7e4af1a4b3fa915e5b9018b068e";
constexpr int64_t kNow = 1795370000;  // 2026-11-22

// A record of sshd, at `seconds` after the boot.
std::string Record(int seconds, const std::string& message,
                   const std::string& more = "_EXE=/usr/sbin/sshd\n") {
  constexpr char kBoot[] = "0ca1ad2c000000000000000000000001";
  return fmt::format(
      "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={}\n"
      "SYSLOG_IDENTIFIER=sshd\n_TRANSPORT=syslog\n_UID=0\n_PID=74\n{}"
      "MESSAGE={}\n\n",
      (kNow - 3600 + seconds) * 1'000'000, seconds * 1'000'000, kBoot, more,
      message);
}

std::string Accepted(int seconds, const std::string& account) {
  return Record(seconds, "Accepted password for " + account +
                             " from 192.0.2.1 port 5 ssh2");
}

class JournalEvents : public testing::Test {
 protected:
  JournalEvents() : host_(folder_.path()) {
    folder_.Write("etc/machine-id", std::string(kMachine) + "\n");
    folder_.Write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  }

  // A journal with these records, by systemd's own program.
  void Journal(const std::string& name, const std::string& records) {
    const boost::filesystem::path path = PathOf(name);
    boost::filesystem::create_directories(path.parent_path());
    boost::filesystem::remove(path);
    Append(name, records);
  }

  // Adds records to a journal that Journal made; they are numbered on.
  void Append(const std::string& name, const std::string& records) {
    folder_.Write("records", records);
    const auto made = RunProgram(
        {"/lib/systemd/systemd-journal-remote", "-o", PathOf(name),
         (folder_.path() / "records").string()},
        RunOptions());
    ASSERT_TRUE(made.ok()) << made.status();
  }

  std::string PathOf(const std::string& name) const {
    return (folder_.path() / "var/log/journal" / kMachine / name).string();
  }

  // What is said after `position_`, and goes there.
  std::vector<std::string> Hear(const HearLimits& limits = {}) {
    return HearFrom(host_, limits);
  }
  std::vector<std::string> HearFrom(const Host& host,
                                    const HearLimits& limits = {}) {
    const auto heard = HearJournal(host, position_, kNow, limits);
    EXPECT_TRUE(heard.ok()) << heard.status();
    std::vector<std::string> said;
    if (!heard.ok()) return said;
    for (const v1::Event& event : heard->events())
      said.push_back(event.kind() == "recorder"
                         ? event.detail()
                         : fmt::format("{} {}", event.kind(), event.account()));
    position_ = JournalPosition::FromBytes(heard->position());
    more_ = heard->more();
    return said;
  }

  HostFolder folder_;
  Host host_;
  JournalPosition position_;
  bool more_ = false;
};

// Audit numbers no boots, and sessions are put together by them.
TEST_F(JournalEvents, OfAuditBelongToTheBootOfTheirTime) {
  Journal("system.journal", Accepted(10, "alice"));
  folder_.Write(
      "var/log/audit/audit.log",
      fmt::format("type=USER_START msg=audit({}.000:1): pid=7 uid=0 auid=0 ses=1 "
                  "msg='op=PAM:session_open acct=\"root\" exe=\"/usr/bin/su\" "
                  "hostname=? addr=? terminal=? res=success'\n",
                  kNow - 3600 + 20));
  const auto heard = HearAudit(host_, {}, kNow);
  ASSERT_TRUE(heard.ok()) << heard.status();
  ASSERT_EQ(heard->events_size(), 1);
  EXPECT_EQ(heard->events(0).session(), "0ca1ad2c-7");
}

TEST(JournalPosition, IsTheCursorAsNumbers) {
  const std::string cursor =
      "s=0123456789abcdef0123456789abcdef;i=1f;b=fedcba98765432100123456789abcdef"
      ";m=2a;t=5f0;x=ffffffffffffffff";
  const auto position = JournalPosition::FromCursor(cursor);
  ASSERT_TRUE(position);
  EXPECT_EQ(position->number, 31u);
  EXPECT_EQ(position->Cursor(), cursor);
  EXPECT_EQ(JournalPosition::FromBytes(position->Bytes()), *position);
  EXPECT_TRUE(JournalPosition::FromBytes("short").none());
  for (const char* bad : {"", "s=1", "i=1;b=2",
                          "s=0123456789abcdef0123456789abcdeg;i=1;b="
                          "0123456789abcdef0123456789abcdef;m=1;t=1;x=1"})
    EXPECT_FALSE(JournalPosition::FromCursor(bad)) << bad;
}

TEST_F(JournalEvents, AreReadOnce) {
  Journal("system.journal", Accepted(1, "alice") + Record(2, "noise") +
                                Accepted(3, "bob") + Record(4, "noise"));
  EXPECT_THAT(Hear(), ElementsAre("login alice", "login bob"));
  EXPECT_THAT(Hear(), IsEmpty());
  // What came since, with what was there before.
  Journal("system@1.journal", Accepted(10, "carol"));
  EXPECT_THAT(Hear(), ElementsAre("login carol"));
  EXPECT_THAT(Hear(), IsEmpty());
}

TEST_F(JournalEvents, AreReadInPartsWithoutLosingOrDoublingAny) {
  std::string records;
  for (int i = 0; i < 10; ++i) records += Accepted(i, fmt::format("user{}", i));
  Journal("system.journal", records);
  std::vector<std::string> all;
  int parts = 0;
  do {
    for (std::string& event : Hear({.events = 3})) all.push_back(event);
    ++parts;
  } while (more_ && parts < 20);
  EXPECT_EQ(parts, 4);
  ASSERT_EQ(all.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(all[i], fmt::format("login user{}", i));
}

TEST_F(JournalEvents, BeginSevenDaysAgo) {
  Journal("system.journal",
          Accepted(-8 * 86400, "old") + Accepted(-5 * 86400, "young"));
  EXPECT_THAT(Hear(), ElementsAre("login young"));
}

TEST_F(JournalEvents, SayWhatWasGoneBeforeItWasRead) {
  Journal("system.journal", Accepted(1, "alice"));
  EXPECT_THAT(Hear(), ElementsAre("login alice"));
  Journal("system.journal", Accepted(100, "bob"));
  EXPECT_THAT(Hear(), ElementsAre("records between 2026-11-22T16:53:21Z and "
                                  "2026-11-22T16:55:00Z were gone before they "
                                  "could be read",
                                  "login bob"));
  EXPECT_THAT(Hear(), IsEmpty());
}

// Makes the record that was written at `seconds` have another number.
void Renumber(const std::string& path, uint64_t from, uint64_t to, int seconds) {
  std::string bytes;
  {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto number = [](uint64_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  // An entry has its number before its time (JOURNAL_FILE_FORMAT of systemd), and
  // the header that of the last at byte 160.
  const std::string time =
      number(static_cast<uint64_t>(kNow - 3600 + seconds) * 1'000'000);
  const size_t at = bytes.find(number(from) + time);
  ASSERT_NE(at, bytes.npos);
  bytes.replace(at, 8, number(to));
  bytes.replace(160, 8, number(to));
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_F(JournalEvents, SayWhichNumbersAreMissing) {
  Journal("system.journal", Accepted(1, "alice") + Accepted(2, "bob"));
  EXPECT_THAT(Hear(), ElementsAre("login alice", "login bob"));
  Append("system.journal", Accepted(3, "carol"));
  auto position = position_;
  EXPECT_THAT(Hear(), ElementsAre("login carol"));
  position_ = position;
  Renumber(PathOf("system.journal"), 3, 13, 3);
  EXPECT_THAT(Hear(), ElementsAre("records between 2026-11-22T16:53:22Z and "
                                  "2026-11-22T16:53:23Z were gone before they "
                                  "could be read",
                                  "login carol"));
}

TEST_F(JournalEvents, GoOnBehindWhatOtherProgramsWrote) {
  std::string other = Record(5, "noise");
  other.replace(other.find("=sshd"), 5, "=appd");
  Journal("system.journal", Accepted(1, "alice") + other);
  EXPECT_THAT(Hear(), ElementsAre("login alice"));
  EXPECT_EQ(position_.number, 2u);
}

TEST_F(JournalEvents, AreReadThoughTheJournalIsRotatedMeanwhile) {
  Journal("system@1.journal", Accepted(1, "alice"));
  Journal("system.journal", Accepted(2, "bob"));
  // Which at first has not heard of one of its files.
  struct Rotating : Host {
    using Host::Host;
    absl::StatusOr<std::vector<std::string>> List(
        std::string_view path) const override {
      auto names = Host::List(path);
      if (path.ends_with(kMachine) && !seen && names.ok()) {
        seen = true;
        std::erase(*names, "system@1.journal");
      }
      return names;
    }
    mutable bool seen = false;
  };
  EXPECT_THAT(HearFrom(Rotating(folder_.path())),
              ElementsAre("login alice", "login bob"));
}

TEST_F(JournalEvents, OfLentUidsAreTheirOwners) {
  folder_.Write("etc/passwd", "alice:x:1000:1000::/:/bin/sh\n");
  folder_.Write("etc/subuid", "bad\nalice:100000:65536\n");
  std::string record = Record(1, "FAILED SU (to root) x on pts/0");
  record.replace(record.find("=sshd"), 5, "=su");
  record.replace(record.find("_UID=0"), 6, "_UID=100005");
  Journal("system.journal", record);
  const auto heard = HearJournal(host_, {}, kNow);
  ASSERT_EQ(heard->events_size(), 1);
  EXPECT_EQ(heard->events(0).actor(), "alice");
}

TEST_F(JournalEvents, SayWhatIsGoneThoughOlderRecordsAreThere) {
  Journal("system.journal", Accepted(1, "alice") + Accepted(5, "bob"));
  EXPECT_THAT(Hear(), ElementsAre("login alice", "login bob"));
  Journal("user-1000.journal", Accepted(-100, "old"));
  Journal("system.journal", Accepted(9, "carol"));
  EXPECT_THAT(Hear(), ElementsAre("records between 2026-11-22T16:53:25Z and "
                                  "2026-11-22T16:53:29Z were gone before they "
                                  "could be read",
                                  "login carol"));
}

TEST_F(JournalEvents, OfABootWithTheClockBehindAreRead) {
  Journal("system@1.journal", Accepted(1000, "alice"));
  EXPECT_THAT(Hear(), ElementsAre("login alice"));
  std::string behind = Accepted(10, "bob") + Accepted(11, "carol");
  for (size_t at = 0; (at = behind.find("0ca1ad2c", at)) != behind.npos;)
    behind.replace(at, 8, "0ca1ad2d");
  Journal("system.journal", behind);
  EXPECT_THAT(Hear(), ElementsAre("login bob", "login carol"));
  EXPECT_THAT(Hear(), IsEmpty());
  EXPECT_THAT(Hear(), IsEmpty());
}

TEST_F(JournalEvents, AreReadOutOfAsManyFilesAsJournaldKeeps) {
  for (int i = 0; i < 100; ++i)
    Journal(fmt::format("system@{}.journal", i), Accepted(i, "alice"));
  EXPECT_EQ(Hear().size(), 100u);
  Cycle cycle(host_, {});
  v1::Collected collected;
  cycle.Hear({}, kNow, collected);
  EXPECT_EQ(collected.heard().unread(), "");
}

TEST_F(JournalEvents, NeverPassOverDamageInSilence) {
  std::string records;
  for (int i = 0; i < 500; ++i) records += Accepted(i, fmt::format("user{}", i));
  Journal("system.journal", records);
  const auto path = folder_.path() /
                    fmt::format("var/log/journal/{}/system.journal", kMachine);
  std::string bytes;
  {
    std::ifstream in(path.string(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const size_t at = bytes.find("for user250");
  ASSERT_NE(at, bytes.npos);
  bytes.replace(at, 40'000, std::string(40'000, 'x'));
  std::ofstream(path.string(), std::ios::binary) << bytes;
  const auto heard = HearJournal(host_, {}, kNow);
  if (!heard.ok()) return;  // nothing was read, and that is said
  int logins = 0, said = 0;
  for (const v1::Event& event : heard->events())
    ++(event.kind() == "login" ? logins : said);
  EXPECT_LT(logins, 500);
  EXPECT_GT(said, 0);
}

TEST_F(JournalEvents, AreNotReadFromWhereThereAreNone) {
  EXPECT_TRUE(absl::IsNotFound(HearJournal(host_, {}, kNow).status()));
  folder_.Write(fmt::format("var/log/journal/{}/x.txt", kMachine), "x");
  EXPECT_TRUE(absl::IsNotFound(HearJournal(host_, {}, kNow).status()));
}

TEST_F(JournalEvents, OfWholeFilesAreReadBesideADamagedOne) {
  Journal("system.journal", Accepted(1, "alice"));
  const std::string folder = fmt::format("var/log/journal/{}/", kMachine);
  folder_.Write(folder + "system@2.journal", std::string(4096, 'x'));
  mkfifo((folder_.path() / folder / "system@3.journal").c_str(), 0600);
  const auto said = Hear();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_THAT(said[0], HasSubstr("system@2.journal cannot be read"));
  EXPECT_EQ(said[1], "login alice");
  boost::filesystem::last_write_time(
      folder_.path() / folder / "system@2.journal", kNow - 7200);
  EXPECT_THAT(Hear(), IsEmpty()) << "it was told of";
  folder_.Write(folder + "system.journal", "torn");
  EXPECT_FALSE(HearJournal(host_, {}, kNow).ok());
}

TEST_F(JournalEvents, HaveTheSameNameEachTimeTheyAreRead) {
  Journal("system.journal", Accepted(1, "alice") + Accepted(1, "bob"));
  const auto once = HearJournal(host_, {}, kNow), again = HearJournal(host_, {}, kNow);
  ASSERT_EQ(once->events_size(), 2);
  EXPECT_EQ(once->SerializeAsString(), again->SerializeAsString());
  EXPECT_NE(once->events(0).id(), once->events(1).id());
  EXPECT_EQ(once->events(0).id().substr(0, 8), once->events(1).id().substr(0, 8))
      << "they happened at once";
  EXPECT_LT(EventId(255, "b"), EventId(256, "a"));
  EXPECT_EQ(once->events(0).id().size(), 16u);
}

TEST_F(JournalEvents, NameTheAccountThatLoggedIn) {
  Journal("system.journal",
          Record(1, "Accepted password for alice from 192.0.2.1 port 5 ssh2",
                 "_EXE=/usr/sbin/sshd\n_AUDIT_LOGINUID=0\n") +
              Record(2, "Accepted password for bob from 192.0.2.1 port 5 ssh2",
                     "_EXE=/usr/sbin/sshd\n_AUDIT_LOGINUID=4294967295\n") +
              Record(3, "Accepted password for eve from 192.0.2.1 port 5 ssh2",
                     "_EXE=/usr/sbin/sshd\n_AUDIT_LOGINUID=77\n"));
  const auto heard = HearJournal(host_, {}, kNow);
  ASSERT_EQ(heard->events_size(), 3);
  EXPECT_EQ(heard->events(0).login_account(), "root");
  EXPECT_EQ(heard->events(1).login_account(), "");
  EXPECT_EQ(heard->events(2).login_account(), "77");
  EXPECT_EQ(heard->events(0).session(), "0ca1ad2c-74");
}

}  // namespace
}  // namespace metsuke
