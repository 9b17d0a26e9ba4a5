#include "controller/drift/state_drift.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/canonical.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TableDriftTest : public testing::Test {
 protected:
  // The state of a host with these rows, in all tables that have some and in
  // those that are named.
  TableDigests State(const char* rows,
                     const std::vector<std::string>& empty = {}) {
    v1::Snapshot snapshot;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(rows, &snapshot));
    TableDigests state;
    const auto* type = v1::Snapshot::descriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const auto* table = type->field(i);
      const std::string bytes = CanonicalTable(snapshot, table);
      if (bytes.empty() &&
          std::ranges::find(empty, table->name()) == empty.end())
        continue;
      bodies_[Sha256(bytes)] = bytes;
      state[table->name()] = Sha256(bytes);
    }
    return state;
  }

  // "KIND KEY…" of each change, or the error.
  std::vector<std::string> Between(const std::string& table,
                                   const TableDigests& before,
                                   const TableDigests& after) {
    const auto changes = drift_.Between(table, before, after);
    if (!changes.ok()) return {changes.status().ToString()};
    std::vector<std::string> lines;
    for (const v1::Change& change : **changes)
      lines.push_back(
          fmt::format("{} {}", change.kind(), fmt::join(change.key(), " ")));
    return lines;
  }

  std::map<std::string, std::string> bodies_;
  TableDrift drift_{[this](const std::string& digest) {
    return absl::StatusOr<std::string>(bodies_.at(digest));
  }};
};

// An agent that does not know the column `source`, 3, and one that does.
constexpr char kOlder[] = R"pb(
  collections { table: "journal_config" status: "ok" columns: 2 }
  journal_config { option: "a" value: "1" }
  journal_config { option: "b" value: "1" }
)pb";
constexpr char kNewer[] = R"pb(
  collections { table: "journal_config" status: "ok" columns: 4 }
  journal_config { option: "a" value: "1" source: "default" }
  journal_config { option: "b" value: "2" source: "default" seconds: 2 }
)pb";

TEST_F(TableDriftTest, AnUpgradeOfTheAgentChangesNoRow) {
  const TableDigests older = State(kOlder), newer = State(kNewer);
  EXPECT_THAT(Between("journal_config", older, newer),
              ElementsAre("changed option=b"));
  EXPECT_THAT(Between("journal_config", newer, older),
              ElementsAre("changed option=b"));
  EXPECT_THAT(Between("collections", older, newer),
              ElementsAre("changed table=journal_config"));
}

TEST_F(TableDriftTest, WhatBothAgentsKnowIsCompared) {
  const TableDigests was = State(kNewer);
  TableDigests is = State(R"pb(
    collections { table: "journal_config" status: "ok" columns: 4 }
    journal_config { option: "a" value: "1" source: "/etc/a" }
    journal_config { option: "b" value: "2" source: "default" seconds: 2 }
  )pb");
  EXPECT_THAT(Between("journal_config", was, is),
              ElementsAre("changed option=a"));
  // The same rows, of an agent that knows two columns.
  is["collections"] = State(kOlder).at("collections");
  EXPECT_THAT(Between("journal_config", was, is), IsEmpty());
  // Of one that does not say which it knows.
  is["collections"] = State(R"pb(
                        collections { table: "journal_config" status: "ok" }
                      )pb")
                          .at("collections");
  EXPECT_THAT(Between("journal_config", was, is),
              ElementsAre("changed option=a"));
}

TEST_F(TableDriftTest, ATableThatCameWithAnUpgradeHasNoNewRows) {
  const TableDigests older =
      State(R"pb(
              collections { table: "journal_config" status: "ok" columns: 4 }
            )pb",
            {"journal_config"});
  const TableDigests newer = State(R"pb(
    collections { table: "journal_config" status: "ok" columns: 4 }
    collections { table: "sysctls" status: "ok" columns: 2 }
    journal_config { option: "a" value: "1" }
    sysctls { name: "x" value: "1" }
  )pb");
  EXPECT_THAT(Between("sysctls", older, newer), IsEmpty());
  EXPECT_THAT(Between("sysctls", newer, older), IsEmpty());
  EXPECT_THAT(Between("journal_config", older, newer),
              ElementsAre("added option=a"));
}

TEST_F(TableDriftTest, TablesThatTheControllerFillsAreOfNoAgent) {
  const TableDigests was = State(kOlder, {"labels"});
  const TableDigests is = State(R"pb(
    collections { table: "labels" status: "ok" columns: 1 }
    labels { key: "role" value: "web" }
  )pb");
  EXPECT_THAT(Between("labels", was, is), ElementsAre("added key=role"));
  EXPECT_THAT(Between("labels", is, was), ElementsAre("removed key=role"));
}

TEST_F(TableDriftTest, WhatDamagedCollectionsSayOfHidesNothing) {
  TableDigests was = State(kOlder);
  bodies_["damaged"] = "\x0f";
  was["collections"] = "damaged";
  EXPECT_THAT(Between("journal_config", was, State(kNewer)),
              ElementsAre("changed option=a", "changed option=b"));
}

}  // namespace
}  // namespace metsuke
