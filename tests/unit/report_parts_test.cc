// What a report is made of: noise, causes, logs that shrank, nights, lines.

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "controller/judge/report_rules.h"
#include "controller/report/calendar.h"
#include "controller/report/cause.h"
#include "controller/report/lines.h"
#include "controller/report/noise.h"
#include "controller/report/reach.h"
#include "proto/canonical.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

// The local time of a zone while it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* old = getenv("TZ")) old_ = old;
    setenv("TZ", name, 1);
    tzset();
  }
  ~Zone() {
    old_.empty() ? unsetenv("TZ") : setenv("TZ", old_.c_str(), 1);
    tzset();
  }

 private:
  std::string old_;
};

TEST(NoiseTest, TakesAwayWhatARuleNamesAndTellsTheRest) {
  const auto rules = Parse<v1::Baseline>(R"pb(
    noise { table: "accounts" columns: "last_login" }
    noise { table: "services" rows: "name=user@*" }
    noise { table: "log_files" })pb");
  const Noise noise(rules.noise());
  auto login = Parse<v1::Change>(R"pb(
    table: "accounts"
    kind: "changed"
    key: "name=deploy"
    columns { column: "last_login" before: "a" after: "b" })pb");
  EXPECT_EQ(noise.Filter(login), 0);
  auto shell = Parse<v1::Change>(R"pb(
    table: "accounts"
    kind: "changed"
    key: "name=deploy"
    columns { column: "last_login" before: "a" after: "b" }
    columns { column: "shell" before: "/bin/sh" after: "/bin/bash" })pb");
  EXPECT_EQ(noise.Filter(shell), -1);
  ASSERT_EQ(shell.columns_size(), 1);
  EXPECT_EQ(shell.columns(0).column(), "shell");
  auto joined = Parse<v1::Change>(R"pb(
    table: "accounts"
    kind: "added"
    key: "name=evil"
    columns { column: "last_login" after: "b" })pb");
  EXPECT_EQ(noise.Filter(joined), -1)
      << "a row that came is told, whatever is in it";
  auto session = Parse<v1::Change>(R"pb(table: "services"
                                        kind: "added"
                                        key: "name=user@1000.service")pb");
  EXPECT_EQ(noise.Filter(session), 1);
  auto service = Parse<v1::Change>(R"pb(table: "services"
                                        kind: "added"
                                        key: "name=telnet.socket")pb");
  EXPECT_EQ(noise.Filter(service), -1);
  auto file = Parse<v1::Change>(R"pb(table: "log_files"
                                     kind: "removed"
                                     key: "source=syslog")pb");
  EXPECT_EQ(noise.Filter(file), 2);
}

const v1::Baseline& CauseRules() {
  static const v1::Baseline rules = Parse<v1::Baseline>(R"pb(
    causes { tables: "packages" programs: "apt-get" programs: "dpkg" }
    causes { tables: "services" kinds: "package" }
    causes {
      tables: "accounts"
      programs: "useradd"
      files: "/etc/passwd"
      kinds: "account"
    })pb");
  return rules;
}

// "KIND: WHO PROGRAM FROM" of the likeliest cause of a change of the table at
// 10000, with looks 300 seconds apart.
std::string Cause(const std::vector<std::string>& events,
                  const std::string& table,
                  const std::set<std::string>& names = {}) {
  std::vector<v1::Event> parsed;
  for (const std::string& event : events)
    parsed.push_back(Parse<v1::Event>(event));
  const Causes causes(parsed, 300, CauseRules().causes());
  const auto cause = causes.Of({table, 10000, names});
  if (!cause) return "";
  return cause->kind() + ": " + cause->event().actor() + " " +
         cause->event().detail() + " " + cause->from();
}

const std::string kLogin = R"pb(
  time: 9000
  kind: "login"
  service: "ssh"
  account: "hanako"
  from: "192.0.2.7"
  session: "b-1"
  source: "journal")pb";

TEST(CauseTest, NamesWhoRanTheProgramAndFromWhere) {
  const std::string apt = R"pb(
    time: 9900
    kind: "login"
    service: "sudo"
    account: "root"
    actor: "hanako"
    detail: "/usr/bin/apt-get"
    source: "user")pb";
  EXPECT_EQ(Cause({kLogin, apt}, "packages"),
            "program: hanako /usr/bin/apt-get 192.0.2.7");
  EXPECT_EQ(Cause({apt}, "packages"), "program: hanako /usr/bin/apt-get ");
  EXPECT_EQ(Cause({kLogin, R"pb(time: 9500
                                kind: "logout"
                                service: "ssh"
                                account: "hanako"
                                session: "b-1")pb",
                   apt},
                  "packages"),
            "program: hanako /usr/bin/apt-get ")
      << "who had left is not told to have come from there";
  const std::string elsewhere = R"pb(
    time: 9100
    kind: "login"
    service: "ssh"
    account: "hanako"
    from: "203.0.113.9"
    session: "b-2"
    source: "journal")pb";
  EXPECT_EQ(Cause({kLogin, elsewhere, apt}, "packages"),
            "program: hanako /usr/bin/apt-get ")
      << "nobody knows which of two open sessions it was";
}

TEST(CauseTest, NobodyIsNamedForHavingBeenThereWithoutPrivilege) {
  EXPECT_EQ(Cause({R"pb(time: 9990
                        kind: "login"
                        service: "ssh"
                        account: "taro"
                        from: "192.0.2.9")pb"},
                  "accounts", {"deploy", ""}),
            "");
  EXPECT_EQ(Cause({R"pb(time: 9990
                        kind: "account"
                        service: "useradd"
                        actor: "taro")pb"},
                  "accounts", {"deploy", ""}),
            "")
      << "a record without a name names no row without one";
}

TEST(CauseTest, WhatNamesTheRowIsLikelierThanWhatWasNear) {
  const std::string sudo = R"pb(
    time: 9990
    kind: "login"
    service: "sudo"
    account: "root"
    actor: "taro"
    detail: "/usr/bin/less"
    source: "user")pb";
  const std::string made = R"pb(
    time: 9900
    kind: "account"
    service: "useradd"
    account: "deploy"
    actor: "hanako"
    detail: "added"
    source: "journal")pb";
  EXPECT_EQ(Cause({made, sudo}, "accounts", {"deploy"}),
            "record: hanako added ");
  EXPECT_EQ(Cause({made, sudo}, "accounts", {"other"}),
            "privilege: taro /usr/bin/less ");
  EXPECT_EQ(Cause({R"pb(time: 9900
                        kind: "file"
                        service: "vim"
                        actor: "root"
                        login_account: "jiro"
                        detail: "identity: /etc/passwd"
                        source: "audit")pb",
                   sudo},
                  "accounts", {"deploy"}),
            "record: root identity: /etc/passwd ");
}

TEST(CauseTest, OnlyWhatHappenedBetweenTheLooksCounts) {
  const auto at = [](int64_t time) {
    return "time: " + std::to_string(time) +
           " kind: \"login\" service: \"sudo\" account: \"root\" actor: "
           "\"taro\" detail: \"/usr/bin/vi\"";
  };
  EXPECT_EQ(Cause({at(9639)}, "accounts"), "");
  EXPECT_EQ(Cause({at(9640)}, "accounts"), "privilege: taro /usr/bin/vi ");
  EXPECT_EQ(Cause({at(10060)}, "accounts"), "privilege: taro /usr/bin/vi ");
  EXPECT_EQ(Cause({at(10061)}, "accounts"), "");
}

TEST(CauseTest, PackagesExplainWhatFollowsFromThem) {
  const std::string changed = R"pb(
    time: 10000
    kind: "package"
    service: "packages"
    detail: "nginx changed"
    source: "drift")pb";
  EXPECT_EQ(Cause({changed}, "services"), "packages:  nginx changed ");
  EXPECT_EQ(Cause({changed}, "packages"), "")
      << "that it changed is no cause of that it changed";
  EXPECT_EQ(Cause({changed}, "accounts"), "")
      << "no rule says that packages change accounts";
  EXPECT_EQ(Cause({R"pb(time: 9900
                        kind: "login"
                        service: "sudo"
                        account: "root"
                        actor: "hanako"
                        detail: "/usr/bin/apt-get")pb",
                   changed},
                  "services"),
            "packages: hanako /usr/bin/apt-get ");
}

// Rows of log_sources as canonical bytes.
std::string Logs(const std::string& rows) {
  return CanonicalTable(Parse<v1::Snapshot>(rows), TableField("log_sources"));
}

// "KIND BEFORE AFTER" of each log that shrank within a day.
std::vector<std::string> Shrunk(const std::string& before,
                                const std::string& after) {
  constexpr int64_t kDay = 86400, kFrom = 1000 * kDay;
  std::vector<std::string> told;
  const auto reaches =
      ShrunkLogs(Logs(before), kFrom, Logs(after), kFrom + kDay);
  if (!reaches.ok()) return {reaches.status().ToString()};
  for (const v1::ReportReach& reach : *reaches)
    told.push_back(reach.kind() + " " + std::to_string(reach.before()) + " " +
                   std::to_string(reach.after()) + (reach.bytes() ? " B" : ""));
  return told;
}

TEST(ReachTest, RotationAsConfiguredIsNothing) {
  // The oldest was to go on day 1000 and did.
  EXPECT_THAT(Shrunk(R"pb(log_sources {
                            source: "auth"
                            path: "/a"
                            oldest: 84672000
                            removal: 86400000
                            kept_by: "x"
                            keep_days: 28
                          })pb",
                     R"pb(log_sources {
                            source: "auth"
                            path: "/a"
                            oldest: 85276800
                            removal: 87004800
                            kept_by: "x"
                            keep_days: 28
                          })pb"),
              IsEmpty());
  // They go by the day, not by the second.
  EXPECT_THAT(Shrunk(R"pb(log_sources {
                            source: "auth"
                            path: "/a"
                            oldest: 84672000
                            removal: 86500000
                            kept_by: "x"
                            keep_days: 28
                          })pb",
                     R"pb(log_sources {
                            source: "auth"
                            path: "/a"
                            oldest: 85276800
                            removal: 87004800
                            kept_by: "x"
                            keep_days: 28
                          })pb"),
              IsEmpty());
}

// The account whose login was the oldest logged in.
TEST(ReachTest, ARecordForEachAccountIsWrittenOver) {
  const std::string before = R"pb(log_sources {
                                    source: "lastlog"
                                    path: "/var/lib/lastlog/lastlog2.db"
                                    oldest: 84672000
                                  })pb";
  EXPECT_THAT(Shrunk(before, R"pb(log_sources {
                                    source: "lastlog"
                                    path: "/var/lib/lastlog/lastlog2.db"
                                    oldest: 86313600
                                  })pb"),
              IsEmpty());
  EXPECT_THAT(Shrunk(before, R"pb(log_sources {
                                    source: "lastlog"
                                    path: "/var/lib/lastlog/lastlog2.db"
                                  })pb"),
              ElementsAre("emptied 20 0"));
}

TEST(ReachTest, RecordsThatWentBeforeTheirTimeAreTold) {
  const std::string before =
      R"pb(log_sources {
             source: "auth"
             path: "/a"
             oldest: 84672000
             removal: 94672000
             kept_by: "x"
             keep_days: 90
           })pb";
  EXPECT_THAT(Shrunk(before, R"pb(log_sources {
                                    source: "auth"
                                    path: "/a"
                                    oldest: 86313600
                                    kept_by: "x"
                                    keep_days: 90
                                  })pb"),
              ElementsAre("removed 20 2"));
  EXPECT_THAT(Shrunk(before, R"pb(log_sources {
                                    source: "auth"
                                    path: "/a"
                                    kept_by: "x"
                                    keep_days: 90
                                  })pb"),
              ElementsAre("emptied 20 0"));
  EXPECT_THAT(
      Shrunk(
          R"pb(log_sources { source: "wtmp" path: "/w" oldest: 84672000 })pb",
          R"pb(log_sources { source: "wtmp" path: "/w" oldest: 86313600 })pb"),
      ElementsAre("removed 20 2"))
      << "nothing was ever to be removed";
  EXPECT_THAT(Shrunk(before, ""), IsEmpty());
  EXPECT_THAT(Shrunk(before, R"pb(log_sources {
                                    source: "auth"
                                    path: "/a"
                                    unread: "/a.1: denied"
                                  })pb"),
              IsEmpty())
      << "what cannot be read may be there";
}

TEST(ReachTest, LessThatIsToBeKeptIsTold) {
  EXPECT_THAT(Shrunk(R"pb(log_sources {
                            source: "auth"
                            path: "/a"
                            keep_days: 90
                            keep_bytes: 1000
                          })pb",
                     R"pb(log_sources {
                            source: "auth"
                            path: "/a"
                            keep_days: 7
                            keep_bytes: 500
                          })pb"),
              ElementsAre("configured 90 7", "configured 1000 500 B"));
  EXPECT_THAT(
      Shrunk(R"pb(log_sources { source: "auth" path: "/a" keep_days: -1 })pb",
             R"pb(log_sources {
                    source: "auth"
                    path: "/a"
                    keep_days: 7
                    keep_bytes: 500
                  })pb"),
      ElementsAre("configured -1 7", "configured 0 500 B"))
      << "all was kept";
  EXPECT_THAT(
      Shrunk(R"pb(log_sources { source: "auth" path: "/a" keep_days: 7 })pb",
             R"pb(log_sources { source: "auth" path: "/a" keep_days: 90 })pb"),
      IsEmpty());
}

TEST(CalendarTest, NightsEndAtTheirLocalTime) {
  const Zone zone("Asia/Tokyo");
  // 2026-11-23 06:00 in Tokyo is 2026-11-22 21:00 UTC.
  constexpr int64_t kSix = 1795381200;
  EXPECT_EQ(LastTime(kSix, {6, 0}), kSix);
  EXPECT_EQ(LastTime(kSix - 1, {6, 0}), kSix - 86400);
  EXPECT_EQ(LastTime(kSix + 86399, {6, 0}), kSix);
  EXPECT_EQ(LocalDay(kSix), "2026-11-23");
  EXPECT_EQ(LocalDay(kSix - 7 * 3600), "2026-11-22");
}

TEST(CalendarTest, EachDayHasOneNightWhereClocksAreChanged) {
  const Zone zone("Europe/Berlin");
  for (const TimeOfDay time : {TimeOfDay{2, 30}, TimeOfDay{0, 0}}) {
    std::map<std::string, std::set<int64_t>> nights;
    // 2026-03-25 to 2026-04-02 and 2026-10-21 to 2026-10-29, in steps of 10
    // minutes; clocks are changed on 03-29 and 10-25.
    for (const int64_t begin : {1774396800, 1792540800})
      for (int64_t now = begin; now < begin + 8 * 86400; now += 600) {
        const int64_t last = LastTime(now, time);
        ASSERT_LE(last, now);
        ASSERT_GT(last, now - 26 * 3600);
        nights[LocalDay(last)].insert(last);
      }
    for (const auto& [day, instants] : nights)
      EXPECT_EQ(instants.size(), 1u) << day;
    EXPECT_GE(nights.size(), 16u);
  }
}

TEST(CalendarTest, ATimeOfTheDayIsHoursAndMinutes) {
  EXPECT_EQ((*ParseTimeOfDay("23:59"))->minute, 59);
  EXPECT_FALSE(ParseTimeOfDay("never")->has_value());
  for (const char* text : {"6:00", "24:00", "06:60", "06:00:00", "", "-1:00",
                           "06-00", "06:0", "tomorrow"})
    EXPECT_TRUE(absl::IsInvalidArgument(ParseTimeOfDay(text).status())) << text;
}

// What is wrong with the rules of a baseline file, a line each.
std::vector<std::string> Wrong(const std::string& text) {
  std::vector<std::string> wrong;
  CheckReportRules(Parse<v1::Baseline>(text),
                   [&](const std::string& item, const std::string& why) {
                     wrong.push_back(item + " " + why);
                   });
  return wrong;
}

TEST(ReportRulesTest, TellWhatIsWrongWithThem) {
  EXPECT_THAT(Wrong(R"pb(sections {
                           table: "port"
                           title { en: "a" ja: "b" }
                         })pb"),
              ElementsAre(HasSubstr("sections[0] sections: there is no table "
                                    "port; did you mean ports?")));
  EXPECT_THAT(
      Wrong(R"pb(noise {
                   table: "accounts"
                   columns: "lastlogin"
                   rows: "shell=/bin/*"
                   why { en: "a" }
                 })pb"),
      ElementsAre(HasSubstr("why has no Japanese"),
                  HasSubstr("no column lastlogin; did you mean last_login?"),
                  HasSubstr("shell=/bin/* is no pattern of a key column")));
  EXPECT_THAT(Wrong(R"pb(causes { tables: "accounts" kinds: "acount" })pb"),
              ElementsAre(HasSubstr("no kind of events acount")));
  EXPECT_THAT(Wrong(R"pb(causes { tables: "accounts" })pb"),
              ElementsAre(HasSubstr("what changes it?")));
}

std::string Text(const v1::Report& report, Language language) {
  std::string text;
  for (const ReportLine& line : ReportLines(report, language))
    text += std::string(2 * line.indent, ' ') + line.text.raw() + "\n";
  return text;
}

TEST(ReportLinesTest, AQuietNightIsOneLine) {
  const Zone zone("UTC");
  const auto report = Parse<v1::Report>(R"pb(
    from: 86400
    to: 172800
    baseline: "v"
    before { hosts: 312 score: 87.5 }
    after { hosts: 312 score: 87.5 }
    open { control: "a" })pb");
  EXPECT_EQ(Text(report, Language::kEnglish),
            "01-02 00:00 to 01-03 00:00: nothing changed on 312 hosts, and "
            "nothing is known to be missing; score 87.5, 1 controls fail "
            "somewhere\n");
  EXPECT_EQ(
      Text(report, Language::kJapanese),
      "01-02 00:00 ～ 01-03 00:00: 312 台 に変化なし、確認できなかったもの"
      "もなし。スコア 87.5、不適合の項目 1\n");
  // Of which hosts, if not of all.
  EXPECT_THAT(Text(Parse<v1::Report>("baseline: 'v' after { hosts: 3 } "
                                     "selector: 'a=b'"),
                   Language::kEnglish),
              HasSubstr("nothing changed on 3 hosts (a=b), and"));
  EXPECT_THAT(Text(Parse<v1::Report>("baseline: 'v' after { hosts: 1 } "
                                     "host: 'web01'"),
                   Language::kEnglish),
              HasSubstr("nothing changed on web01, and"));
  // Where nobody looked, nothing is quiet.
  for (const char* blind :
       {"baseline: 'v' after { hosts: 0 }", "after { hosts: 3 }",
        "baseline: 'v' after { hosts: 3 } waivers_ended { id: 'w' }",
        "baseline: 'v' after { hosts: 3 } unseen { kind: 'new' }"})
    EXPECT_THAT(Text(Parse<v1::Report>(blind), Language::kEnglish),
                Not(HasSubstr("nothing changed")))
        << blind;
}

// A report with one of everything; each sentence is said in both languages.
// A table that cannot be read any more takes a dozen controls with it.
TEST(ReportLinesTest, WhatOneThingBlindsIsOneLine) {
  const auto turn = [](const std::string& control, const std::string& reason,
                       const std::string& host) {
    return "turns { control: \"" + control +
           "\" severity: SEVERITY_HIGH before: VERDICT_PASS after: "
           "VERDICT_UNKNOWN reason: \"" + reason +
           "\" title { en: \"Title of " + control +
           "\" } hosts { count: 1 names: \"" + host + "\" } }";
  };
  const auto report = Parse<v1::Report>(
      turn("a", "denied", "web01") + turn("b", "gone", "web01") +
      turn("c", "denied", "web01") + turn("d", "denied", "web02"));
  const std::string en = Text(report, Language::kEnglish);
  EXPECT_THAT(en, HasSubstr("[high] 2 controls: pass → unknown, 1 host: web01\n"
                            "    denied\n    a, c\n"
                            "  [high] b Title of b: pass → unknown, 1 host: "
                            "web01\n    gone\n"
                            "  [high] d Title of d"));
  EXPECT_THAT(Text(report, Language::kJapanese),
              HasSubstr("[高] 2 項目: 適合 → 判定不能, 1 台: web01\n    denied\n    a, c\n"));
}

TEST(ReportLinesTest, EverythingIsSaidInBothLanguages) {
  const Zone zone("UTC");
  const std::string hosts =
      R"(hosts { count: 2 names: "web01" names: "web02" })";
  const std::string title = R"(title { en: "Title" ja: "題" })";
  std::string text =
      R"(from: 86400 to: 172800 selector: "role=web" baseline: "v"
    before { hosts: 3 score: 90 } after { hosts: 3 score: 80
      score_without_waivers: 70 coverage: 99 }
    joined { count: 1 names: "new" } removed { count: 1 names: "old" }
    scores { host: "web01" before: 90 after: 80 } scores_omitted: 3
    waivers_ending { id: "w-1" control: "c" until: 200000 }
    waivers_ended { id: "w-2" control: "c" until: 90000 }
    unseen_omitted: 5 reaches_omitted: 6
    noise { table: "accounts" changes: 7 hosts: 2 }
    decisions { what: "baseline" version: "abc" by: "hanako" time: 90000 }
    decisions { what: "waivers" by: "taro" time: 90001 omitted: 2
      changes { table: "waivers" kind: "added" key: "id=w-1" } })";
  for (const char* kind : {"silent", "new", "lost", "failed", "gap", "stale"})
    text += "unseen { kind: \"" + std::string(kind) +
            "\" table: \"ports\" reason: \"denied\" since: 86400 records: 3 " +
            hosts + title + "}";
  for (const char* after : {"FAIL", "PASS", "UNKNOWN", "NOT_APPLICABLE"})
    text +=
        "turns { control: \"c\" severity: SEVERITY_HIGH before: VERDICT_FAIL "
        "after: VERDICT_" +
        std::string(after) + " waived: 1 reason: \"because\" " + hosts + title +
        "columns: \"port\" rows { gone: true cells { integer: 23 } " + hosts +
        "} rows { cells { text: \"x\" } " + hosts + "} rows_omitted: 4 }";
  std::string causes;
  for (const char* event :
       {R"(kind: "program" event { time: 90000 service: "sudo" actor: "hanako"
           detail: "/usr/bin/apt" } from: "192.0.2.7")",
        R"(kind: "privilege" event { time: 90000 service: "su" actor: "hanako"
           account: "root" })",
        R"(kind: "record" event { time: 90000 service: "useradd"
           detail: "added" })",
        R"(kind: "record" event { time: 90000 service: "vim"
           login_account: "taro" detail: "k: /etc/passwd" })",
        R"(kind: "boot" event { time: 90000 })",
        R"(kind: "packages" event { time: 90000 source: "drift" })"})
    causes += "causes { hosts: 1 " + std::string(event) + "}";
  text += "changes { table: \"ports\" omitted: 3 " + hosts + title + causes +
          R"(changes { table: "ports" kind: "added" key: "port=23" } })";
  for (const char* kind : {"removed", "configured", "emptied"})
    text +=
        "reaches { source: \"auth\" path: \"/var/log/auth.log\" before: 90 "
        "after: 7 bytes: " +
        std::string(kind[0] == 'c' ? "true" : "false") + " kind: \"" + kind +
        "\" " + hosts + "}";
  text += "coming { id: \"a\" " + hosts + title +
          "columns: \"d\" rows { cells { text: \"x\" } " + hosts +
          "} rows_omitted: 1 }";
  text +=
      "open { control: \"c\" severity: SEVERITY_CRITICAL since: 86400 oldest: "
      "\"web01\" " +
      hosts + title + "}";
  const auto report = Parse<v1::Report>(text);
  const std::string en = Text(report, Language::kEnglish);
  const std::string ja = Text(report, Language::kJapanese);
  for (const char* part :
       {"Drift from 1970-01-02",
        "(-10.0)",
        "without waivers 70.0",
        "silent since 1970-01-02 00:00: 2 hosts: web01, web02 (as before)",
        "has never reported",
        "3 records lost (denied)",
        "ports could not be collected (denied)",
        "Worse",
        "Better",
        "[high] c Title: fail → pass, 2 hosts: web01, web02, waived on 1",
        "fails for more",
        "- port=23  2 hosts",
        "… and 4 more rows",
        "likely: hanako from 192.0.2.7 ran /usr/bin/apt by sudo, 01-02 01:00 "
        "(1 "
        "host)",
        "useradd added",
        "taro by vim: k: /etc/passwd",
        "the host was booted",
        "packages changed at the same look",
        "at that time: hanako became root by su",
        "+ joined: 1 host: new",
        "- removed",
        "records went before their time, 90 → 7 days",
        "90 → 7 bytes",
        "no record is left",
        "waiver w-1 of c ends on 1970-01-03 07:33",
        "waiver w-2 of c ended on 1970-01-02 01:00",
        "… and 5 more",
        "… and 6 more logs",
        "Applies no longer",
        "since 1970-01-02 on web01 (1 d)",
        "baseline abc by hanako",
        "… and 3 more hosts",
        "as noise, by the baseline's rules: 7"})
    EXPECT_THAT(en, HasSubstr(part));
  // Beside names and numbers nothing is left in English.
  for (const char* part : {"host", "score", "since", "likely", "more", "fail",
                           "record", "rows", "days"})
    EXPECT_EQ(ja.find(part), std::string::npos) << part << " in\n" << ja;
  EXPECT_THAT(ja, HasSubstr("悪化"));
  EXPECT_EQ(std::count(en.begin(), en.end(), '\n'),
            std::count(ja.begin(), ja.end(), '\n'));
}

}  // namespace
}  // namespace metsuke
