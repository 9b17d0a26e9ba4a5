#include "agent/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/canonical.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

// An answer with the tables given, and `collections` with a row "ok" for each.
v1::Collected Answer(const std::map<std::string, std::string>& tables) {
  v1::Snapshot snapshot;
  for (const auto& [table, bytes] : tables) {
    auto* row = snapshot.add_collections();
    row->set_table(table);
    row->set_status("ok");
  }
  v1::Collected collected;
  const auto add = [&](const std::string& table, const std::string& bytes) {
    collected.add_tables()->set_table(table);
    collected.mutable_tables()->rbegin()->set_canonical(bytes);
  };
  add("collections", CanonicalTable(snapshot, TableField("collections")));
  add("gaps", "");
  for (const auto& [table, bytes] : tables) add(table, bytes);
  return collected;
}

std::map<std::string, std::string> EveryTable() {
  std::map<std::string, std::string> tables;
  const auto* schema = v1::Snapshot::descriptor();
  for (int i = 2; i < schema->field_count(); ++i)
    tables[schema->field(i)->name()] = "rows of " + schema->field(i)->name();
  return tables;
}

std::string DigestOf(const v1::State& state, const std::string& table) {
  for (const auto& entry : state.tables())
    if (entry.table() == table) return entry.digest();
  return "";
}

v1::Snapshot Collections(const Looked& looked) {
  v1::Snapshot snapshot;
  for (const auto& table : looked.tables)
    if (table.digest == DigestOf(looked.state, "collections")) {
      EXPECT_TRUE(snapshot.ParseFromString(table.bytes));
    }
  return snapshot;
}

TEST(MakeState, NamesEveryTableInTheOrderOfTheSchema) {
  const Looked looked = MakeState(Answer(EveryTable()), std::nullopt, 1700);
  EXPECT_EQ(looked.state.taken(), 1700);
  const auto* schema = v1::Snapshot::descriptor();
  ASSERT_EQ(looked.state.tables_size(), schema->field_count());
  ASSERT_EQ(looked.tables.size(), size_t(schema->field_count()));
  for (int i = 0; i < schema->field_count(); ++i)
    EXPECT_EQ(looked.state.tables(i).table(), schema->field(i)->name());
  EXPECT_EQ(DigestOf(looked.state, "ports"), Sha256("rows of ports"));
  const v1::Snapshot snapshot = Collections(looked);
  for (const auto& row : snapshot.collections())
    EXPECT_EQ(row.status(), "ok");
}

TEST(MakeState, AnUnansweredTableKeepsItsDigestButIsUnavailable) {
  const Looked before = MakeState(Answer(EveryTable()), std::nullopt, 1700);
  auto tables = EveryTable();
  tables.erase("ports");
  tables["groups"] = "other rows";
  const Looked after = MakeState(Answer(tables), before.state, 1800);
  EXPECT_EQ(DigestOf(after.state, "ports"), DigestOf(before.state, "ports"));
  EXPECT_EQ(DigestOf(after.state, "groups"), Sha256("other rows"));
  int unavailable = 0;
  const v1::Snapshot snapshot = Collections(after);
  for (const auto& row : snapshot.collections()) {
    if (row.status() == "ok") continue;
    ++unavailable;
    EXPECT_EQ(row.table(), "ports");
    EXPECT_EQ(row.status(), "unavailable");
    EXPECT_EQ(row.message(), "metsuke-collect did not answer for this table");
  }
  EXPECT_EQ(unavailable, 1);
}

TEST(MakeState, WithoutAnyAnswerNothingReadsAsWell) {
  const Looked before = MakeState(Answer(EveryTable()), std::nullopt, 1700);
  const absl::Status down = absl::UnavailableError("connection refused");
  const Looked after = MakeState(down, before.state, 1800);
  EXPECT_EQ(DigestOf(after.state, "packages"),
            DigestOf(before.state, "packages"));
  EXPECT_NE(StateDigest(after.state), StateDigest(before.state));
  const v1::Snapshot snapshot = Collections(after);
  // But for collections, gaps and the two of what the controller sees itself.
  ASSERT_EQ(snapshot.collections_size(),
            v1::Snapshot::descriptor()->field_count() - 6);
  for (const auto& row : snapshot.collections()) {
    EXPECT_EQ(row.status(), "unavailable") << row.table();
    EXPECT_EQ(row.message(),
              "metsuke-collect cannot be asked: connection refused");
  }
  const Looked again = MakeState(down, after.state, 1900);
  EXPECT_EQ(StateDigest(again.state), StateDigest(after.state))
      << "a failure that lasts is recorded once";
  const Looked first = MakeState(down, std::nullopt, 1900);
  EXPECT_EQ(first.state.tables_size(), 1)
      << "what was never seen has no digest";
}

TEST(MakeState, ATableOfNoSchemaIsLeftOut) {
  auto tables = EveryTable();
  v1::Collected collected = Answer(tables);
  collected.add_tables()->set_table("wishes");
  const Looked looked = MakeState(collected, std::nullopt, 1700);
  EXPECT_EQ(DigestOf(looked.state, "wishes"), "");
}

TEST(AllTables, HasTheBitOfEveryTableThatMetsukeCollectFills) {
  // Those from 23 to 26, 29 and 34 the agent and the controller fill.
  EXPECT_EQ(AllTables(), ((uint64_t{1} << 36) - 2) &
                             ~(uint64_t{0b100001001111} << 23));
}

}  // namespace
}  // namespace metsuke
