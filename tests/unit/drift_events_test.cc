#include "controller/drift/drift_events.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "controller/store/drift_memo.h"
#include "proto/canonical.h"
#include "proto/event_id.h"
#include "proto/event_words.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Rows(const std::string& table, const char* text) {
  v1::Snapshot snapshot;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &snapshot));
  return CanonicalTable(snapshot, TableField(table));
}

std::vector<std::string> Lines(const std::string& table, const char* before,
                               const char* after) {
  const auto events =
      DriftEvents(table, Rows(table, before), Rows(table, after));
  EXPECT_TRUE(events.ok()) << events.status();
  std::vector<std::string> lines;
  for (const v1::Event& event : *events)
    lines.push_back(fmt::format("{} {} [{}] {}", event.kind(), event.service(),
                                event.account(), event.detail()));
  return lines;
}

TEST(DriftEvents, TellWhatBecameOfARow) {
  EXPECT_THAT(
      Lines("packages",
            R"pb(packages { name: "a" architecture: "amd64" version: "1" status: "installed" }
                 packages { name: "b" architecture: "amd64" version: "1" })pb",
            R"pb(packages { name: "a" architecture: "amd64" version: "2" status: "installed" }
                 packages { name: "c" architecture: "all" version: "3" })pb"),
      ElementsAre("package packages [] a amd64 changed: version 1 to 2",
                  "package packages [] b amd64 removed: version 1",
                  "package packages [] c all added: version 3"));
  EXPECT_THAT(
      Lines("authorized_keys", "",
            R"pb(authorized_keys {
                   account: "bob" path: "/home/bob/.ssh/authorized_keys"
                   fingerprint: "SHA256:x" type: "ssh-ed25519" bits: 256
                   comment: "bob@pc"
                 })pb"),
      ElementsAre("key authorized_keys [bob] /home/bob/.ssh/authorized_keys "
                  "SHA256:x added: type ssh-ed25519, comment bob@pc"));
  EXPECT_THAT(Lines("sudo_rules",
                    R"pb(sudo_rules { subject: "%ops" hosts: "ALL" run_as: "root" command: "ALL" authenticate: true })pb",
                    R"pb(sudo_rules { subject: "%ops" hosts: "ALL" run_as: "root" command: "ALL" })pb"),
              ElementsAre("privilege sudo_rules [%ops] ALL root ALL changed: "
                          "authenticate true to false"));
  EXPECT_THAT(Lines("audit_status", "audit_status { enabled: true lost: 3 }",
                    "audit_status { enabled: true lost: 40 }"),
              ElementsAre("recorder audit_status [] changed: lost 3 to 40"));
}

TEST(DriftEvents, TellThatALogWasCleared) {
  const std::string row = fmt::format(
      R"(log_gaps {{ source: "auth" path: "/var/log/auth.log" since: 1795000000 until: 1795003600 reason: "{}was emptied" }})",
      kCleared);
  const char* const silent =
      R"pb(log_gaps { source: "auth" path: "/var/log/auth.log" since: 1795000000 reason: "nothing for 9 hours" })pb";
  EXPECT_THAT(Lines("log_gaps", silent, (silent + row).c_str()),
              ElementsAre("recorder log_gaps [] auth /var/log/auth.log "
                          "2026-11-18T11:06:40Z cleared: was emptied, "
                          "until 2026-11-18T12:06:40Z"));
  EXPECT_THAT(Lines("log_gaps", "", silent), IsEmpty());
  EXPECT_THAT(Lines("log_gaps", row.c_str(), row.c_str()), IsEmpty());
  EXPECT_THAT(Lines("log_gaps", row.c_str(), ""), IsEmpty());
}

TEST(DriftEvents, AreOfWhatCounts) {
  EXPECT_THAT(Lines("accounts", R"pb(accounts { name: "bob" uid: 1000 last_login: 5 })pb",
                    R"pb(accounts { name: "bob" uid: 1000 last_login: 9 })pb"),
              IsEmpty());
  EXPECT_THAT(Lines("accounts", R"pb(accounts { name: "bob" uid: 1000 })pb",
                    R"pb(accounts { name: "bob" uid: 0 last_login: 9 })pb"),
              ElementsAre("account accounts [bob] changed: uid 1000 to 0"));
  const auto service = [](const char* before, const char* after) {
    const auto row = [](const char* active) {
      return fmt::format(R"(services {{ name: "x" active: "{}" }})", active);
    };
    return Lines("services", row(before).c_str(), row(after).c_str());
  };
  EXPECT_THAT(service("inactive", "activating"), IsEmpty());
  EXPECT_THAT(service("active", "inactive"), IsEmpty());
  EXPECT_THAT(service("active", "failed"),
              ElementsAre("service services [] x changed: active active to failed"));
  EXPECT_THAT(Lines("services",
                    R"pb(services { name: "user@1000.service" enabled: "static" active: "active" }
                         services { name: "run-u7.service" enabled: "transient" })pb",
                    R"pb(services { name: "nginx.service" load: "loaded" enabled: "enabled" active: "active" })pb"),
              ElementsAre("service services [] nginx.service added: load loaded, "
                          "enabled enabled"));
  EXPECT_THAT(Lines("ports", "", "ports { port: 1 }"), IsEmpty());
}

TEST(DriftEvents, HaveNamesOfTheirOwnThatLast) {
  const std::string before =
      Rows("groups", R"pb(groups { name: "a" gid: 1 } groups { name: "b" gid: 2 })pb");
  auto events = *DriftEvents("groups", before, "");
  SetTime(1000, events);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_NE(events[0].id(), events[1].id());
  EXPECT_EQ(events[0].id().size(), kEventIdBytes);
  EXPECT_EQ(events[0].source(), "drift");
  EXPECT_EQ(events[0].time(), 1000);
  auto again = *DriftEvents("groups", before, "");
  SetTime(1000, again);
  EXPECT_EQ(again[1].id(), events[1].id());
  SetTime(1001, again);
  EXPECT_NE(again[1].id(), events[1].id());
  EXPECT_FALSE(DriftEvents("groups", "\xff", before).ok());
}

TEST(DriftEvents, OfVeryManyTheFirstAndHowManyMore) {
  v1::Snapshot snapshot;
  for (int i = 0; i < 700; ++i) {
    v1::Package& package = *snapshot.add_packages();
    package.set_name(fmt::format("p{:03}", i));
    package.set_version(std::string(i == 0 ? 9000 : 1, 'v'));
  }
  const auto events = *DriftEvents(
      "packages", "", CanonicalTable(snapshot, TableField("packages")));
  ASSERT_EQ(events.size(), 501u);
  EXPECT_EQ(events[500].detail(), "and 200 more");
  EXPECT_EQ(events[500].count(), 200u);
  EXPECT_EQ(events[0].detail().size(), 400u);
  // A thousand characters of three bytes each are cut between two.
  std::string name;
  for (int i = 0; i < 1000; ++i) name += "目";
  v1::Snapshot accounts;
  accounts.add_accounts()->set_name(name);
  const auto cut = *DriftEvents(
      "accounts", "", CanonicalTable(accounts, TableField("accounts")));
  EXPECT_EQ(cut[0].account(), name.substr(0, 255));
}

TEST(DriftEvents, OfVeryManyRowsOfOneKeyAreToldInTime) {
  v1::Snapshot before, after;
  for (int i = 0; i < 40'000; ++i) {
    before.add_packages()->set_version(std::to_string(2 * i));
    after.add_packages()->set_version(std::to_string(2 * i + 1));
  }
  const auto* table = TableField("packages");
  EXPECT_EQ(DriftEvents("packages", CanonicalTable(before, table),
                        CanonicalTable(after, table))->size(), 501u);
  const std::string large(9 << 20, 'x');
  EXPECT_EQ((*DriftEvents("packages", large, ""))[0].detail(),
            "changed: too large to tell how");
}

// What decides about the events of a table must be in the name they are kept by.
TEST(DriftMemo, KnowsWhatHostsThatChangedAlikeHaveToTell) {
  const TableDigests before = {{"groups", "a"}, {"collections", "c"}, {"gaps", "g"}};
  TableDigests after = before;
  after["groups"] = "b";
  const std::string key = DriftMemo::KeyOf("groups", before, after);
  DriftMemo memo;
  EXPECT_EQ(memo.Find(key), nullptr);
  memo.Keep(key, {v1::Event()});
  ASSERT_NE(memo.Find(key), nullptr);
  EXPECT_EQ(memo.Find(key)->size(), 1u);
  for (const char* table : {"groups", "collections", "gaps"}) {
    TableDigests another = after;
    another[table] = "x";
    EXPECT_EQ(memo.Find(DriftMemo::KeyOf("groups", before, another)), nullptr);
    EXPECT_EQ(memo.Find(DriftMemo::KeyOf("groups", another, after)), nullptr);
  }
  TableDigests another = after;
  another["packages"] = "x";
  EXPECT_NE(memo.Find(DriftMemo::KeyOf("groups", before, another)), nullptr);
}

TEST(DriftMemo, ForgetsTheOldest) {
  DriftMemo memo;
  for (int i = 0; i < 1001; ++i) memo.Keep(std::to_string(i), {});
  EXPECT_EQ(memo.Find("0"), nullptr);
  EXPECT_NE(memo.Find("1"), nullptr);
  memo.Keep("many", std::vector<v1::Event>(20'000));
  memo.Keep("one", std::vector<v1::Event>(1));
  EXPECT_EQ(memo.Find("many"), nullptr);
  EXPECT_NE(memo.Find("one"), nullptr);
  // Neither what was forgotten counts any more, nor what is known already.
  memo.Keep("one", std::vector<v1::Event>(20'000));
  memo.Keep("two", std::vector<v1::Event>(1));
  ASSERT_NE(memo.Find("one"), nullptr);
  EXPECT_EQ(memo.Find("one")->size(), 1u);
}

}  // namespace
}  // namespace metsuke
