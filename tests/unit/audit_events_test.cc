// tests/events/audit.log was written by auditd 3.0.9 on Debian 12, of commands
// run for it: ten sessions of su and sudo, three refusals, rules set and
// removed, watched files changed, programs run as root. What ausearch(8) finds
// in it is in audit-events.txt.

#include "collectors/audit_events.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "collectors/audit_event_reader.h"
#include "collectors/cycle.h"
#include "collectors/event_position.h"
#include "collectors/words.h"
#include "tests/unit/packed.h"
#include "tests/unit/host_folder.h"

namespace metsuke {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kLog[] = "var/log/audit/audit.log";
constexpr int64_t kNow = 1795393300;

std::string FileOf(const std::string& name) {
  std::ifstream file(METSUKE_SOURCE "/tests/events/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Shown(const v1::Event& event) {
  const auto or_none = [](const std::string& text) {
    return text.empty() ? "-" : text;
  };
  std::string line = fmt::format(
      "{} {} {} account={} actor={} login={} method={} count={}", event.time(),
      event.kind(), event.service(), or_none(event.account()),
      or_none(event.actor()), or_none(event.login_account()),
      or_none(event.method()), event.count());
  if (!event.detail().empty()) line += " " + event.detail();
  return line;
}

class AuditEvents : public testing::Test {
 protected:
  AuditEvents() : host_(folder_.path()) {
    folder_.Write("etc/passwd",
                  "root:x:0:0::/root:/bin/sh\nauda:x:1001:1001::/:/bin/sh\n");
  }

  std::vector<v1::Event> Hear(int64_t now = kNow, const HearLimits& limits = {}) {
    return HearOn(host_, now, limits);
  }
  std::vector<v1::Event> HearOn(const Host& host, int64_t now = kNow,
                                const HearLimits& limits = {}) {
    std::vector<v1::Event> events;
    auto heard = HearAudit(host, position_, now, limits);
    EXPECT_TRUE(heard.ok()) << heard.status();
    if (!heard.ok()) return events;
    v1::Collected collected;
    *collected.mutable_audit() = *heard;
    position_ =
        EventPosition::FromBytes(
            PositionAfter(collected, EventPosition{.audit = position_}.Bytes()))
            .audit;
    more_ = heard->more();
    for (v1::Event& event : *heard->mutable_events())
      events.push_back(std::move(event));
    return events;
  }
  std::vector<std::string> Lines(int64_t now = kNow) {
    std::vector<std::string> lines;
    for (const v1::Event& event : Hear(now)) lines.push_back(Shown(event));
    return lines;
  }
  void Rotate() {
    const auto folder = folder_.path() / "var/log/audit";
    for (int i = 8; i >= 0; --i) {
      const auto old =
          folder / (i == 0 ? "audit.log" : fmt::format("audit.log.{}", i));
      if (boost::filesystem::exists(old))
        boost::filesystem::rename(old,
                                  folder / fmt::format("audit.log.{}", i + 1));
    }
  }
  // Long enough ago, where it is not said when.
  void Append(const std::string& text, int64_t written = kNow - 3) {
    boost::filesystem::create_directories(folder_.path() / "var/log/audit");
    std::ofstream(folder_.path() / kLog, std::ios::app | std::ios::binary)
        << text;
    boost::filesystem::last_write_time(folder_.path() / kLog, written);
  }
  // Gives the log another inode.
  void Replace(const std::string& text) {
    boost::filesystem::remove(folder_.path() / kLog);
    folder_.Write("elsewhere", "so that the inode is another");
    Append(text);
  }

  HostFolder folder_;
  Host host_;
  AuditPosition position_;
  bool more_ = false;
};

// A session of su by auda, at `seconds` and with this number.
std::string Session(int64_t seconds, int serial, const std::string& more = "") {
  return fmt::format(
      "type=USER_START msg=audit({}.123:{}): pid=7 uid=1001 auid=1001 ses=1 "
      "msg='op=PAM:session_open grantors=pam_unix acct=\"root\" "
      "exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=success'{}\n",
      seconds, serial, more);
}

TEST_F(AuditEvents, AreThoseThatAusearchFinds) {
  folder_.Write(kLog, FileOf("audit.log"));
  const std::string expected = FileOf("audit-events.txt");
  std::string found;
  for (const v1::Event& event : Hear()) {
    found += Shown(event) + "\n";
    EXPECT_EQ(event.source(), "audit");
    EXPECT_THAT(event.id(), SizeIs(16));
  }
  EXPECT_EQ(found, expected);
  EXPECT_FALSE(more_);
  EXPECT_THAT(Hear(), IsEmpty());
}

TEST_F(AuditEvents, NeverTellArguments) {
  folder_.Write(kLog, FileOf("audit.log"));
  for (const v1::Event& event : Hear())
    for (const char* argument : {"-u", "su doers", "color", "x y", "loginuid"})
      EXPECT_THAT(event.detail(), Not(HasSubstr(argument)));
}

// How often each thing happened, however it was parted into sums.
std::map<std::string, uint64_t> Counts(const std::vector<v1::Event>& events) {
  std::map<std::string, uint64_t> counts;
  for (v1::Event event : events) {
    const uint64_t times = event.count();
    event.set_count(1);
    // That of a sum is the first of its parts.
    if (event.kind() == "command" || event.kind() == "file") event.set_time(0);
    counts[Shown(event)] += times;
  }
  return counts;
}

void Join(std::vector<v1::Event> more, std::vector<v1::Event>& all) {
  for (v1::Event& event : more) all.push_back(std::move(event));
}

// Reads a part of the log, then it is rotated and the rest follows, for each
// line in it. auditd rotates within events as well.
TEST_F(AuditEvents, AreToldOnceWhereverTheLogIsRotated) {
  const std::string log = FileOf("audit.log");
  Append(log);
  std::map<std::string, uint64_t> whole = Counts(Hear());
  whole[fmt::format("{} login su account=root actor=auda login=auda method=- "
                    "count=1",
                    kNow - 100)] = 1;
  for (size_t at = log.find('\n'); at != log.npos;
       at = log.find('\n', at + 1)) {
    boost::filesystem::remove_all(folder_.path() / "var");
    position_ = {};
    std::vector<v1::Event> told;
    // In the middle of a line, while its event is being written.
    Append(log.substr(0, at / 2), kNow - 90);
    Join(Hear(kNow - 90), told);
    Append(log.substr(at / 2, at + 1 - at / 2), kNow - 80);
    Join(Hear(kNow - 80), told);
    Rotate();
    Append(log.substr(at + 1), kNow - 70);
    Rotate();
    Append(Session(kNow - 100, 9999), kNow - 70);
    Join(Hear(kNow - 60), told);
    ASSERT_EQ(Counts(told), whole) << "rotated at " << at;
  }
}

// auditd may be late by any time, and be read between any two lines.
TEST_F(AuditEvents, AreToldOnceAndWholeHoweverLateTheirLinesAre) {
  const std::string log = FileOf("audit.log");
  Append(log);
  const std::map<std::string, uint64_t> whole = Counts(Hear());
  for (const int late : {0, 2, 5, 60})
    for (size_t at = log.find('\n'); at != log.npos;
         at = log.find('\n', at + 1)) {
      boost::filesystem::remove_all(folder_.path() / "var");
      position_ = {};
      const auto last = ReadAuditLine(std::string_view(log).substr(
          at == 0 ? 0 : log.rfind('\n', at - 1) + 1));
      ASSERT_TRUE(last);
      const auto now =
          static_cast<int64_t>(last->stamp.milliseconds / 1000) + late;
      std::vector<v1::Event> told;
      Append(log.substr(0, at + 1), now);
      Join(Hear(now), told);
      EXPECT_FALSE(more_);
      Append(log.substr(at + 1), now + 1);
      Join(Hear(now + 10), told);
      ASSERT_EQ(Counts(told), whole) << late << " s late, read at " << at;
    }
}

// The lines of a system call under a rule, about a file of this name, without
// PROCTITLE, as where a rule excludes that.
std::vector<std::string> Call(int64_t seconds, int serial,
                              const std::string& name) {
  const auto line = [&](const char* type, const std::string& rest) {
    return fmt::format("type={} msg=audit({}.000:{}): {}\n", type, seconds,
                       serial, rest);
  };
  return {line("SYSCALL",
               "success=yes exit=3 a0=ffffff9c pid=1 auid=1001 uid=0 euid=0 "
               "exe=\"/usr/bin/x\" key=\"k\""),
          line("CWD", "cwd=\"/tmp\""),
          line("PATH",
               fmt::format("item=0 name=\"{}\" nametype=NORMAL", name))};
}

// A call that took a minute is stamped with its beginning; its lines and those
// of others come between each other.
TEST_F(AuditEvents, AreToldOnceWhereTheirLinesAreMixed) {
  const auto slow = Call(kNow - 160, 4, "slow"), quick = Call(kNow - 101, 5, "a"),
             later = Call(kNow - 100, 6, "b");
  const std::vector<std::string> lines = {
      Session(kNow - 102, 1), slow[0],  quick[0], slow[1], later[0],
      Session(kNow - 100, 7), quick[1], slow[2],  quick[2], later[1],
      later[2],               Session(kNow - 99, 8)};
  std::map<std::string, uint64_t> whole;
  for (const char* name : {"a", "b", "slow"})
    whole[fmt::format("0 file x account=root actor=root login=auda method=- "
                      "count=1 k: /tmp/{}",
                      name)] = 1;
  for (const int ago : {102, 100, 99})
    whole[fmt::format("{} login su account=root actor=auda login=auda "
                      "method=- count=1",
                      kNow - ago)] = 1;
  for (const int late : {0, 2, 5, 60})
    for (size_t first = 0; first <= lines.size(); ++first)
      for (size_t second = first; second <= lines.size(); ++second) {
        boost::filesystem::remove_all(folder_.path() / "var");
        position_ = {};
        std::vector<v1::Event> told;
        for (size_t i = 0; i <= lines.size(); ++i) {
          if (i == first || i == second) {
            Append("", kNow - 99 + late);
            Join(Hear(kNow - 99 + late), told);
          }
          if (i < lines.size()) Append(lines[i]);
        }
        Join(Hear(), told);
        ASSERT_EQ(Counts(told), whole)
            << late << " s late, read at " << first << " and " << second;
        ASSERT_THAT(Hear(), IsEmpty());
      }
}

// Two that both took long: the later stamp of the other one shows nothing of
// whether all lines of the first are there.
TEST_F(AuditEvents, ThatBothTookLongMayBeMixed) {
  const auto first = Call(kNow - 160, 4, "first"),
             second = Call(kNow - 120, 5, "second");
  std::string text;
  for (size_t i = 0; i < first.size(); ++i) text += first[i] + second[i];
  Append(text + Session(kNow - 100, 6));
  EXPECT_THAT(Lines(), UnorderedElementsAre(HasSubstr("k: /tmp/first"),
                                            HasSubstr("k: /tmp/second"),
                                            HasSubstr("login su")));
}

// One that has ended, but within which another begins that has not.
TEST_F(AuditEvents, WithinWhichAnotherBeginsAreToldOnceWithThat) {
  const auto other = Call(kNow - 100, 2, "b");
  const auto line = [](const char* type, const std::string& rest) {
    return fmt::format("type={} msg=audit({}.000:1): {}\n", type, kNow - 100,
                       rest);
  };
  Append(line("CONFIG_CHANGE", "auid=1001 op=remove_rule key=\"k\" res=1") +
             other[0] +
             line("SYSCALL", "success=yes exit=0 a0=4 pid=1 auid=1001 uid=0 "
                             "euid=0 exe=\"/usr/bin/x\" key=\"k\"") +
             line("PATH", "item=0 name=\"/a\" nametype=NORMAL") +
             line("PROCTITLE", "proctitle=\"x\""),
         kNow);
  EXPECT_THAT(Lines(), IsEmpty());
  Append(other[1] + other[2]);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("remove_rule k"),
                                   HasSubstr("k: /tmp/b")));
}

// As many as stand behind a line that no other of its call can follow.
std::string Sessions(int64_t seconds) {
  std::string text;
  for (int i = 0; i < 32; ++i) text += Session(seconds, 100 + i);
  return text;
}

TEST_F(AuditEvents, WaitForTheirLinesUntilNoneCanCome) {
  const auto lines = Call(kNow - 100, 1, "a");
  // It may be written to at any moment.
  Append(lines[0] + lines[1], kNow - 2);
  EXPECT_THAT(Lines(), IsEmpty());
  Append(lines[2], kNow - 2);
  EXPECT_THAT(Lines(), IsEmpty());
  // It was not for three seconds.
  EXPECT_THAT(Lines(kNow + 1), SizeIs(1));
  EXPECT_THAT(Lines(kNow + 60), IsEmpty());
  // A record that came two seconds later and is three seconds old.
  const auto next = Call(kNow + 100, 2, "b");
  Append(next[0] + next[1] + next[2] + Session(kNow + 101, 3), kNow + 105);
  EXPECT_THAT(Lines(kNow + 106), IsEmpty());
  Append(Sessions(kNow + 102), kNow + 104);
  EXPECT_THAT(Lines(kNow + 105), IsEmpty());
  EXPECT_THAT(Lines(kNow + 106), SizeIs(34));
  // A clock that was ahead: the file's, and that of a record.
  Append(Call(kNow + 200, 5, "c")[0] + Call(kNow + 200, 5, "c")[2],
         kNow + 86400);
  EXPECT_THAT(Lines(kNow + 210), SizeIs(1));
  const auto ahead = Call(kNow + 86400, 6, "d");
  Append(ahead[0] + ahead[2] + Sessions(kNow + 220), kNow + 222);
  EXPECT_THAT(Lines(kNow + 222), IsEmpty());
  EXPECT_THAT(Lines(kNow + 224), SizeIs(33));
}

// It is from its last line on that others must be younger.
TEST_F(AuditEvents, WhoseLinesComeSlowlyWaitForTheRest) {
  const auto lines = Call(kNow - 100, 1, "a");
  Append(lines[0] + Session(kNow - 99, 2) + lines[1] + Session(kNow - 98, 3),
         kNow);
  EXPECT_THAT(Lines(), IsEmpty());
  Append(lines[2]);
  EXPECT_THAT(Lines(), SizeIs(3));
}

TEST_F(AuditEvents, WaitBehindVeryManyThatWereRead) {
  std::string log;
  for (int i = 2; log.size() < (5 << 18); ++i) log += Session(kNow - 10, i);
  const auto lines = Call(kNow - 9, 1, "a");
  Append(log + lines[0], kNow);
  EXPECT_GT(Hear(kNow, {.events = 100'000}).size(), 5000u);
  EXPECT_FALSE(more_);
  Append(lines[1] + lines[2]);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("k: /tmp/a")));
}

// However many records come at one instant.
TEST_F(AuditEvents, AreNotHeldBackForEver) {
  std::string log = Call(kNow - 10, 1, "a")[0];
  HearLimits limits;
  limits.time = std::chrono::milliseconds(0);
  for (int i = 2; log.size() < (1 << 20) - 400; ++i) log += Session(kNow - 10, i);
  Append(log, kNow);
  EXPECT_THAT(Hear(kNow, limits), IsEmpty());
  EXPECT_FALSE(more_);
  for (int i = 9997; i <= 9999; ++i) Append(Session(kNow - 10, i), kNow);
  size_t told = 0;
  int parts = 0;
  do {
    told += Hear(kNow, limits).size();
  } while (more_ && ++parts < 100);
  EXPECT_GT(told, 5000u);
  EXPECT_LT(parts, 100);
  EXPECT_THAT(Hear(kNow), IsEmpty());
}

// Records that stand behind the place come after it, whatever their stamp.
TEST_F(AuditEvents, AreFoundAgainInACopyByTheirPlace) {
  const std::string one = Session(kNow - 50, 1), two = Session(kNow - 60, 2),
                    slow = Session(kNow - 90, 3), last = Session(kNow - 40, 4);
  const auto expect_rest = [&] {
    std::vector<int64_t> ago;
    for (const v1::Event& event : Hear()) ago.push_back(kNow - event.time());
    EXPECT_THAT(ago, ElementsAre(90, 40));
  };
  Append(one + two);
  EXPECT_THAT(Lines(), SizeIs(2));
  const AuditPosition place = position_;
  Replace(one + two + slow + last);
  expect_rest();
  // The place has moved in the file.
  position_ = place;
  Replace(two + slow + last);
  expect_rest();
  // It is in a file before.
  position_ = place;
  Replace("\n" + one + two + slow);
  Rotate();
  Append(last);
  expect_rest();
  // It is gone: what is left comes after it.
  position_ = place;
  boost::filesystem::remove(folder_.path() / (std::string(kLog) + ".1"));
  Replace(last + slow);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("were gone"), HasSubstr("login"),
                                   HasSubstr("login")));
  EXPECT_THAT(Lines(), IsEmpty());
}

// What logrotate makes of it, without and with its option dateext.
TEST_F(AuditEvents, AreToldOnceOverARotationThatCompresses) {
  for (const char* names : {".1.gz .2.gz", "-20261122.gz -20261121.gz",
                            "-20261122 -20261121.gz", ".1 .2.gz"}) {
    boost::filesystem::remove_all(folder_.path() / "var");
    position_ = {};
    const std::string older(Words(names)[1]), newer(Words(names)[0]);
    const auto put = [&](const std::string& name, const std::string& text,
                         int64_t written) {
      const auto path = folder_.path() / (kLog + name);
      folder_.Write(kLog + name, name.ends_with(".gz") ? Gzip(text) : text);
      boost::filesystem::last_write_time(path, written);
    };
    const std::string one = Session(kNow - 90, 1), two = Session(kNow - 80, 2),
                      three = Session(kNow - 70, 3), four = Session(kNow - 60, 4);
    const auto call = Call(kNow - 65, 5, "over");
    // Not yet the day on which the first look begins.
    put(older, one, kNow - 90);
    put("", two, kNow - 80);
    EXPECT_THAT(Lines(), SizeIs(2)) << names;
    boost::filesystem::remove(folder_.path() / kLog);
    put(newer, two + three + call[0], kNow - 70);
    put("", call[1] + call[2] + four, kNow - 50);
    EXPECT_THAT(Lines(), ElementsAre(HasSubstr(fmt::format("{} ", kNow - 70)),
                                     HasSubstr("k: /tmp/over"),
                                     HasSubstr(fmt::format("{} ", kNow - 60))))
        << names;
    EXPECT_THAT(Lines(), IsEmpty()) << names;
    // While it is compressed, it is there twice.
    put(older.ends_with(".gz") ? newer + ".gz" : newer, "x", kNow - 70);
    position_ = {};
    EXPECT_THAT(Lines(), SizeIs(5)) << names;
  }
}

// What is broken may have what comes next, and that is said: where the position
// was in it, where it is the first to be read, and where the few new records in
// it are its last ones.
TEST_F(AuditEvents, SayThatWhatComesNextCannotBeRead) {
  const std::string one = Session(kNow - 90, 1), two = Session(kNow - 80, 2),
                    three = Session(kNow - 70, 3);
  for (const bool torn : {true, false}) {
    boost::filesystem::remove_all(folder_.path() / "var");
    position_ = {};
    Append(one);
    EXPECT_THAT(Lines(), SizeIs(1));
    boost::filesystem::remove(folder_.path() / kLog);
    folder_.Write(std::string(kLog) + ".1.gz",
                  torn ? Gzip(one + two) + "no gzip" : "no gzip");
    Append(three);
    const std::vector<std::string> told = Lines();
    EXPECT_THAT(told, testing::Contains(HasSubstr(
                          "audit.log.1.gz: cannot be unpacked")))
        << torn;
    EXPECT_EQ(std::ranges::count_if(told,
                                    [](const std::string& line) {
                                      return line.find("login") != line.npos &&
                                             line.find("auditd") == line.npos;
                                    }),
              torn ? 2 : 1);
    EXPECT_THAT(Lines(), IsEmpty());
  }
  // The position is in the file before that one.
  boost::filesystem::remove_all(folder_.path() / "var");
  position_ = {};
  Append(one);
  EXPECT_THAT(Lines(), SizeIs(1));
  boost::filesystem::remove(folder_.path() / kLog);
  folder_.Write(std::string(kLog) + ".2.gz", Gzip(one));
  folder_.Write(std::string(kLog) + ".1.gz", Gzip(two) + "no gzip");
  Append(three);
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("audit.log.1.gz: cannot be unpacked"),
                          HasSubstr(fmt::format("{} ", kNow - 80)),
                          HasSubstr(fmt::format("{} ", kNow - 70))));
}

// savelog(8) gives the last one the number 0.
TEST_F(AuditEvents, AreReadInOrderWhereNumbersBeginWithNothing) {
  const std::string path = std::string(kLog) + ".0";
  folder_.Write(path, Session(kNow - 90, 1));
  boost::filesystem::last_write_time(folder_.path() / path, kNow - 3);
  Append(Session(kNow - 80, 2), kNow - 3);
  EXPECT_THAT(Lines(), SizeIs(2));
  Append(Session(kNow - 70, 3), kNow - 3);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr(fmt::format("{} ", kNow - 70))));
}

// A host that collects others' records does not wait behind them.
TEST_F(AuditEvents, AreNotHeldBackByRecordsOfOtherHosts) {
  const auto call = Call(kNow - 1, 1, "a");
  Append(call[0] + call[1] + call[2], kNow);
  std::string others;
  for (int i = 2; others.size() < (1 << 20) + 400; ++i)
    others += "node=other " + Session(kNow - 1, i);
  Append(others, kNow);
  EXPECT_THAT(Lines(), testing::Contains(HasSubstr("k: /tmp/a")));
}

TEST_F(AuditEvents, SayWhatOfACompressedLogCannotBeRead) {
  folder_.Write(std::string(kLog) + ".2.gz",
                Gzip(Session(kNow - 95, 9)) + "no gzip");
  folder_.Write(std::string(kLog) + ".1.lz4", "no lz4");
  Append(Session(kNow - 70, 3));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("audit.log.2.gz: cannot be "
                                             "unpacked: records in it are not "
                                             "told"),
                                   HasSubstr("audit.log.1.lz4: only gzip, xz, "
                                             "bzip2 and zstd are read: records "
                                             "in it are not told"),
                                   HasSubstr(fmt::format("{} ", kNow - 95)),
                                   HasSubstr(fmt::format("{} ", kNow - 70))));
  EXPECT_THAT(Lines(), IsEmpty());
}

std::string OfSudo(const char* type, int64_t seconds, int serial, int pid,
                   const std::string& rest, const char* outcome) {
  return fmt::format("type={} msg=audit({}.000:{}): pid={} uid=1001 auid=1001 "
                     "ses=1 msg='{} exe=\"/usr/bin/sudo\" res={}'\n",
                     type, seconds, serial, pid, rest, outcome);
}

TEST_F(AuditEvents, OfSudoKnowWhatItSaidBeforeTheLastLook) {
  const std::string command =
      OfSudo("USER_CMD", kNow - 60, 1, 7, "cwd=\"/\" cmd=\"id\"", "success");
  const std::string session = OfSudo("USER_START", kNow - 60, 2, 7,
                                     "op=PAM:session_open acct=\"root\"",
                                     "success");
  const std::string wrong =
      OfSudo("USER_AUTH", kNow - 50, 3, 8, "op=PAM:authentication", "failed");
  const std::string refused =
      OfSudo("USER_CMD", kNow - 40, 4, 8, "cwd=\"/\" cmd=\"id\"", "failed");
  for (const bool rotated : {false, true}) {
    boost::filesystem::remove_all(folder_.path() / "var");
    position_ = {};
    Append(command);
    EXPECT_THAT(Lines(), IsEmpty());
    if (rotated) {
      Rotate();
      Append(Session(kNow - 60, 10));
      EXPECT_THAT(Lines(), SizeIs(1));
    }
    Append(session);
    EXPECT_THAT(Lines(), ElementsAre(HasSubstr("count=1 id")));
    Append(wrong);
    EXPECT_THAT(Lines(), ElementsAre(HasSubstr("method=password")));
    if (rotated) Rotate();
    Append(refused);
    EXPECT_THAT(Lines(), IsEmpty());
    // Another session of another process of that number.
    Append(OfSudo("USER_START", kNow - 30, 5, 7,
                  "op=PAM:session_open acct=\"root\"", "success"));
    EXPECT_THAT(Lines(), ElementsAre(Not(HasSubstr("id"))));
  }
}

TEST_F(AuditEvents, ComeInPartsAsLargeAsTheLimit) {
  folder_.Write(kLog, FileOf("audit.log"));
  HearLimits limits;
  limits.events = 3;
  std::multiset<std::string> ids;
  uint64_t times = 0, times_whole = 0;
  int parts = 0;
  do {
    for (const v1::Event& event : Hear(kNow, limits)) {
      ids.insert(event.id());
      times += event.count();
    }
  } while (more_ && ++parts < 100);
  EXPECT_GT(parts, 1);
  EXPECT_LT(parts, 100);
  EXPECT_EQ(ids.size(), std::set<std::string>(ids.begin(), ids.end()).size());
  position_ = {};
  std::set<std::string> whole;
  for (const v1::Event& event : Hear()) {
    whole.insert(event.id());
    times_whole += event.count();
  }
  for (const std::string& id : whole) EXPECT_THAT(ids, Contains(id));
  EXPECT_EQ(times, times_whole);
}

// A log of many parts that is read on after it was copied, with no time at all.
TEST_F(AuditEvents, AreFoundAgainInALargeLog) {
  std::string log;
  constexpr int kSessions = 5000;
  for (int i = 1; i <= kSessions; ++i) log += Session(kNow - 9000 + i, i);
  Append(log);
  HearLimits limits;
  limits.events = 100;
  std::multiset<std::string> ids;
  int parts = 0;
  do {
    for (const v1::Event& event : Hear(kNow, limits)) ids.insert(event.id());
    if (parts == 20) {
      boost::filesystem::remove(folder_.path() / kLog);
      folder_.Write("elsewhere", "so that the inode is another");
      Append(log);
      limits.time = std::chrono::milliseconds(0);
    }
  } while (more_ && ++parts < 100);
  EXPECT_GT(parts, 30);
  EXPECT_LT(parts, 100);
  EXPECT_EQ(ids.size(), size_t{kSessions});
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_F(AuditEvents, ThatAreGoneBeforeTheyCouldBeReadAreSaid) {
  Append(Session(kNow - 5000, 1));
  EXPECT_THAT(Lines(), SizeIs(1));
  boost::filesystem::remove(folder_.path() / kLog);
  Append(Session(kNow - 1000, 5));
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("records between 2026-11-22T22:58:20Z and "
                                    "2026-11-23T00:05:00Z were gone"),
                          HasSubstr("login su")));
  // A copy of the file has other numbers and the same records.
  const std::string log = Session(kNow - 1000, 5) + Session(kNow - 900, 6);
  boost::filesystem::remove(folder_.path() / kLog);
  folder_.Write("elsewhere", "so that the inode is another");
  Append(log);
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr(fmt::format("{} login", kNow - 900))));
}

TEST_F(AuditEvents, ReachBackSevenDaysAtFirst) {
  Append(Session(kNow - 8 * 86400, 1) + Session(kNow - 6 * 86400, 2));
  EXPECT_THAT(
      Lines(),
      ElementsAre(HasSubstr(fmt::format("{} login", kNow - 6 * 86400))));
}

TEST_F(AuditEvents, SurviveNoise) {
  Append("noise \x01\x02\n\n" + std::string(3 << 20, 'x') + "\n" +
         Session(kNow - 60, 1) + "type=USER_START msg=audit(1.2\n" +
         "type=USER_START msg=audit(" + std::to_string(kNow - 50) +
         ".000:2): pid=\n" + Session(kNow - 40, 3));
  const auto lines = Lines();
  EXPECT_THAT(lines, Contains(HasSubstr("are no records of audit")));
  EXPECT_THAT(lines, SizeIs(3));
}

TEST_F(AuditEvents, OfOtherHostsAreCountedAndNotTold) {
  Append("node=another.example " + Session(kNow - 60, 1) +
         Session(kNow - 50, 2));
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("1 records name another host"),
                          HasSubstr(fmt::format("{} login", kNow - 50))));
}

TEST_F(AuditEvents, AreAboutWhoTheKernelSays) {
  // What a user types may look like a field; it is written in digits then.
  Append(fmt::format(
      "type=USER_AUTH msg=audit({}.000:1): pid=7 uid=1001 auid=0 ses=1 "
      "msg='op=PAM:authentication grantors=? "
      "acct=726F6F74206578653D222F7573722F62696E2F7375646F22 "
      "exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=failed'\n",
      kNow - 60));
  EXPECT_THAT(Lines(),
              ElementsAre(fmt::format(
                  "{} login_failed su account=root exe=\"/usr/bin/sudo\" "
                  "actor=auda login=root method=password count=1",
                  kNow - 60)));
}

TEST_F(AuditEvents, OfWhatIsRefusedSayIt) {
  const auto call = [](int serial, const std::string& success,
                       const std::string& exit) {
    return fmt::format(
        "type=SYSCALL msg=audit({0}.000:{1}): arch=c000003e syscall=257 "
        "success={2} exit={3} ppid=1 pid=9 auid=1001 uid=1001 euid=1001 "
        "tty=pts0 ses=1 comm=\"cat\" exe=\"/usr/bin/cat\" key=\"perm\"\n"
        "type=CWD msg=audit({0}.000:{1}): cwd=\"/etc\"\n"
        "type=PATH msg=audit({0}.000:{1}): item=0 name=\"shadow\" inode=1 "
        "dev=fe:00 mode=0100640 ouid=0 ogid=42 rdev=00:00 nametype=NORMAL\n",
        kNow - 60, serial, success, exit);
  };
  Append(call(1, "no", "-13") + call(2, "no", "-2") + call(3, "yes", "3"));
  EXPECT_THAT(
      Lines(),
      ElementsAre(HasSubstr("file cat account=auda actor=auda login=auda "
                            "method=- count=1 perm: /etc/shadow: refused"),
                  HasSubstr("count=1 perm: /etc/shadow")));
}

// A program that somebody ran, as far as it is told apart.
std::string Execution(int serial, const std::string& auid,
                      int64_t seconds = kNow - 60) {
  return fmt::format(
      "type=SYSCALL msg=audit({0}.000:{1}): success=yes exit=0 pid={1} "
      "auid={2} uid=0 euid=0 exe=\"/usr/bin/id\" key=\"k\"\n"
      "type=EXECVE msg=audit({0}.000:{1}): argc=1 a0=\"id\"\n",
      seconds, serial, auid);
}

TEST_F(AuditEvents, OfSeveralLinesAreNotCutByALimit) {
  std::string log;
  for (int i = 1; i <= 50; ++i)
    log += Execution(i, "1001", kNow - 1000 + i * 10);
  Append(log);
  HearLimits limits;
  limits.events = 1;
  uint64_t times = 0;
  int parts = 0;
  do {
    for (const v1::Event& event : Hear(kNow, limits)) times += event.count();
  } while (more_ && ++parts < 100);
  EXPECT_GT(parts, 10);
  EXPECT_EQ(times, 50u);
}

TEST_F(AuditEvents, OfProgramsAreAboutWhoHasLoggedIn) {
  Append(Execution(1, "1001") + Execution(2, "1001") + Execution(3, "0") +
         Execution(4, "4294967295"));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("login=auda method=- count=2"),
                                   HasSubstr("login=root method=- count=1")));
}

TEST_F(AuditEvents, AreNotWhatOnlyAccompaniesThem) {
  // A folder in which nothing was found, and the rule that a rule recorded.
  Append(fmt::format(
      "type=SYSCALL msg=audit({0}.000:1): success=yes exit=0 pid=1 auid=1001 "
      "uid=0 euid=0 exe=\"/usr/bin/x\" key=\"k\"\n"
      "type=PATH msg=audit({0}.000:1): item=0 name=\"/etc/\" nametype=PARENT\n"
      "type=CONFIG_CHANGE msg=audit({0}.000:2): auid=1001 ses=1 op=add_rule "
      "key=\"new\" list=4 res=1\n"
      "type=SYSCALL msg=audit({0}.000:2): success=yes exit=0 pid=1 auid=1001 "
      "uid=0 euid=0 exe=\"/usr/sbin/auditctl\" key=\"k\"\n"
      "type=PATH msg=audit({0}.000:2): item=0 name=\"/etc\" nametype=NORMAL\n"
      "type=USER_START msg=audit({0}.000:3): pid=7 uid=0 auid=0 ses=1 "
      "msg='op=login acct=\"root\" exe=\"/usr/bin/su\" res=success'\n",
      kNow - 60));
  EXPECT_THAT(Lines(), ElementsAre(fmt::format(
                           "{} recorder audit account=- actor=auda "
                           "login=auda method=- count=1 add_rule new",
                           kNow - 60)));
}

// A host on which the log is rotated while it is read.
class RotatingHost : public Host {
 public:
  using Host::Host;
  absl::StatusOr<std::string> ReadBytes(std::string_view path, int64_t offset,
                                        size_t length) const override {
    if (path.ends_with("audit.log.1") && offset == 0 && --wait_ == 0) rotate_();
    return Host::ReadBytes(path, offset, length);
  }
  mutable int wait_ = 0;
  std::function<void()> rotate_;
};

TEST_F(AuditEvents, AreToldOnceWhenTheLogIsRotatedWhileItIsRead) {
  for (int wait = 1; wait <= 2; ++wait) {
    boost::filesystem::remove_all(folder_.path() / "var");
    position_ = {};
    Append(Session(kNow - 90, 1));
    Rotate();
    Append(Session(kNow - 80, 2));
    RotatingHost host(folder_.path());
    host.wait_ = wait;
    host.rotate_ = [&] {
      Rotate();
      Append(Session(kNow - 70, 3));
    };
    std::vector<std::string> told;
    for (int i = 0; i < 4; ++i)
      for (const v1::Event& event : HearOn(host))
        told.push_back(fmt::format("{} {}", event.kind(), kNow - event.time()));
    EXPECT_THAT(told, ElementsAre("login 90", "login 80", "login 70"));
  }
}

// The same while the record that was read last is sought in a copy.
TEST_F(AuditEvents, AreToldOnceWhenTheLogIsRotatedWhileThePlaceIsSought) {
  const std::string log = Session(kNow - 95, 1) + Session(kNow - 90, 2);
  Append(log);
  EXPECT_THAT(Lines(), SizeIs(2));
  boost::filesystem::remove(folder_.path() / kLog);
  folder_.Write("elsewhere", "so that the inode is another");
  Append(log);
  Rotate();
  Append(Session(kNow - 80, 3));
  RotatingHost host(folder_.path());
  host.wait_ = 2;
  host.rotate_ = [&] { Rotate(); };
  std::vector<std::string> told;
  for (int i = 0; i < 4; ++i)
    for (const v1::Event& event : HearOn(host))
      told.push_back(fmt::format("{} {}", event.kind(), kNow - event.time()));
  EXPECT_THAT(told, ElementsAre("login 80"));
}

TEST_F(AuditEvents, SayThatTheLogWasEmptiedOrRemoved) {
  Append(Session(kNow - 90, 1) + Session(kNow - 80, 2));
  Rotate();
  Append(Session(kNow - 70, 3) + Session(kNow - 60, 4));
  EXPECT_THAT(Lines(), SizeIs(4));
  boost::filesystem::resize_file(folder_.path() / kLog, 0);
  Append(Session(kNow - 50, 5));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("the log was cut"),
                                   HasSubstr(fmt::format("{} login", kNow - 50))));
  boost::filesystem::remove_all(folder_.path() / "var/log/audit");
  EXPECT_TRUE(absl::IsNotFound(HearAudit(host_, position_, kNow).status()));
}

TEST_F(AuditEvents, OfAWrongPasswordAreNoRefusalByPolicy) {
  const auto line = [](const char* type, int serial, int pid, const char* rest,
                       const char* outcome) {
    return fmt::format("type={} msg=audit({}.000:{}): pid={} uid=1001 auid=1001 "
                       "ses=1 msg='{} exe=\"/usr/bin/sudo\" res={}'\n",
                       type, kNow - 60, serial, pid, rest, outcome);
  };
  Append(line("USER_AUTH", 1, 7, "op=PAM:authentication acct=\"auda\"", "failed") +
         line("USER_CMD", 2, 7, "cwd=\"/\" cmd=\"id\"", "failed") +
         line("USER_AUTH", 3, 8, "op=PAM:authentication acct=\"auda\"", "failed") +
         line("USER_AUTH", 4, 8, "op=PAM:authentication acct=\"auda\"", "success") +
         line("USER_CMD", 5, 8, "cwd=\"/\" cmd=\"cat\"", "failed") +
         line("USER_CMD", 6, 9, "cwd=\"/\" cmd=\"ls\"", "failed"));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("method=password count=2"),
                                   HasSubstr("method=policy count=1 cat"),
                                   HasSubstr("method=policy count=1 ls")));
}

TEST_F(AuditEvents, OfProgramsThatOnlyHaveANameAreNone) {
  Append(fmt::format(
      "type=USER_START msg=audit({}.000:1): pid=7 uid=0 auid=0 ses=1 "
      "msg='op=PAM:session_open acct=\"root\" exe=\"/tmp/bin/su\" "
      "res=success'\n",
      kNow - 60));
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(AuditEvents, OfAFileThatIsReplacedAreNoChangeOfRules) {
  Append(fmt::format(
      "type=CONFIG_CHANGE msg=audit({0}.000:2): auid=1001 ses=1 "
      "op=updated_rules path=\"/etc/passwd\" key=\"identity\" list=4 res=1\n"
      "type=SYSCALL msg=audit({0}.000:2): success=yes exit=0 a0=7ffe77698010 "
      "pid=1 auid=1001 uid=0 euid=0 exe=\"/usr/bin/mv\" key=\"identity\"\n"
      "type=PATH msg=audit({0}.000:2): item=0 name=\"/etc/passwd\" "
      "nametype=CREATE\n",
      kNow - 60));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("file mv account=root actor=root "
                                             "login=auda method=- count=1 "
                                             "identity: /etc/passwd")));
}

TEST_F(AuditEvents, OfAFileInAnOpenFolderGiveThePathAsItWas) {
  const auto call = [](int serial, const char* first) {
    return fmt::format(
        "type=SYSCALL msg=audit({0}.000:{1}): success=yes exit=3 a0={2} pid=1 "
        "auid=1001 uid=0 euid=0 exe=\"/usr/bin/x\" key=610162\n"
        "type=CWD msg=audit({0}.000:{1}): cwd=\"/tmp\"\n"
        "type=PATH msg=audit({0}.000:{1}): item=0 name=\"passwd\" "
        "nametype=NORMAL\n",
        kNow - 60, serial, first);
  };
  Append(call(1, "5") + call(2, "ffffff9c"));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("count=1 a,b: passwd"),
                                   HasSubstr("count=1 a,b: /tmp/passwd")));
}

TEST_F(AuditEvents, OfManyProgramsDoNotBlurWhatOthersDid) {
  std::string log;
  const int64_t when = kNow / 600 * 600 - 600;
  for (int i = 0; i < 400; ++i)
    log += fmt::format(
        "type=SYSCALL msg=audit({0}.000:{1}): success=yes exit=0 pid={1} "
        "auid=1001 uid=1001 euid=1001 exe=\"/tmp/p{1}\" key=\"k\"\n"
        "type=EXECVE msg=audit({0}.000:{1}): argc=1 a0=\"p\"\n"
        "type=PROCTITLE msg=audit({0}.000:{1}): proctitle=\"p\"\n",
        when, i + 1);
  log += fmt::format(
      "type=CONFIG_CHANGE msg=audit({0}.000:900): auid=1001 ses=1 op=remove_rule "
      "key=\"k\" list=4 res=1\n"
      "type=SYSCALL msg=audit({0}.000:901): success=yes exit=0 pid=5 auid=0 "
      "uid=0 euid=0 exe=\"/usr/bin/id\" key=\"k\"\n"
      "type=EXECVE msg=audit({0}.000:901): argc=1 a0=\"p\"\n",
      when + 10);
  Append(log);
  const auto lines = Lines();
  EXPECT_THAT(lines, Contains(HasSubstr("many others")));
  EXPECT_THAT(lines, Contains(HasSubstr("remove_rule k")));
  EXPECT_THAT(lines, Contains(HasSubstr("k: /usr/bin/id")));
}

TEST_F(AuditEvents, OfManyProgramsEndInASum) {
  std::string log;
  for (int i = 0; i < 400; ++i)
    log += fmt::format(
        "type=SYSCALL msg=audit({0}.000:{1}): success=yes exit=0 pid={1} "
        "auid=1001 uid=0 euid=0 exe=\"/usr/bin/p{1}\" key=\"k\"\n"
        "type=EXECVE msg=audit({0}.000:{1}): argc=1 a0=\"p\"\n",
        kNow / 600 * 600 - 600, i + 1);
  Append(log);
  const auto events = Hear();
  ASSERT_THAT(events, SizeIs(301));
  EXPECT_EQ(events.back().detail(), "many others");
  EXPECT_EQ(events.back().count(), 100u);
}

TEST_F(AuditEvents, AreNoneOfAHostWithoutTheLog) {
  EXPECT_THAT(Lines(), IsEmpty());
  EXPECT_TRUE(position_.none());
}

TEST_F(AuditEvents, OfALogThatIsNoFileAreAnError) {
  boost::filesystem::create_directories(folder_.path() / "var/log/audit");
  ASSERT_EQ(mkfifo((folder_.path() / kLog).c_str(), 0600), 0);
  Cycle cycle(host_, {});
  v1::Collected collected;
  cycle.Hear({}, kNow, collected);
  EXPECT_THAT(collected.audit().unread(), HasSubstr("audit.log"));
}

TEST_F(AuditEvents, AreReadWhereAuditdConfSaysThatTheyAre) {
  folder_.Write("etc/audit/auditd.conf", "log_file = /srv/audit/records\n");
  folder_.Write("srv/audit/records", Session(kNow - 60, 2));
  folder_.Write("srv/audit/records.1", Session(kNow - 70, 1));
  folder_.Write("srv/audit/records.old", Session(kNow - 80, 1));
  EXPECT_THAT(Lines(), SizeIs(2));
}

TEST(AuditLine, IsReadToItsEndOrNotAtAll) {
  const auto read = ReadAuditLine("node=a.b type=X msg=audit(12.034:56): rest");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->node, "a.b");
  EXPECT_EQ(read->type, "X");
  EXPECT_EQ(read->stamp.milliseconds, 12034u);
  EXPECT_EQ(read->stamp.serial, 56u);
  EXPECT_EQ(read->rest, " rest");
  for (const char* bad :
       {"", "type=", "type=X", "type=X msg=audit(", "type=X msg=audit(1.2:3)",
        "type=X msg=audit(1.2000:3): ", "type=X msg=audit(-1.2:3): ",
        "type=X msg=audit(99999999999999.2:3): ", "type=X msg=audit(1.2:3x): ",
        "node= type=X msg=audit(1.2:3): "})
    EXPECT_FALSE(ReadAuditLine(bad)) << bad;
}

}  // namespace
}  // namespace metsuke
