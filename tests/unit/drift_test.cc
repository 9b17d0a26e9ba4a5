#include "controller/drift/diff_table.h"

#include "controller/drift/diff_verdicts.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/canonical.h"

namespace metsuke {
namespace {

std::string Bytes(const std::string& table, const char* text) {
  v1::Snapshot snapshot;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &snapshot));
  return CanonicalTable(snapshot, TableField(table));
}

// The changes, one line each: "~ key,key column:before>after …".
std::string Diff(const std::string& table, const char* before,
                 const char* after, uint32_t columns = kEveryColumn) {
  const auto changes =
      DiffTable(table, Bytes(table, before), Bytes(table, after), columns);
  if (!changes.ok()) return changes.status().ToString();
  std::string lines;
  for (const v1::Change& change : *changes) {
    EXPECT_EQ(change.table(), table);
    lines += change.kind() == "added"     ? "+"
             : change.kind() == "removed" ? "-"
                                          : "~";
    for (const std::string& key : change.key()) lines += " " + key;
    for (const v1::ColumnChange& column : change.columns())
      lines +=
          " " + column.column() + ":" + column.before() + ">" + column.after();
    lines += "\n";
  }
  return lines;
}

TEST(DiffTable, RowsArePairedByTheirKey) {
  EXPECT_EQ(Diff("sysctls", R"pb(sysctls { name: "a" value: "1" }
                                 sysctls { name: "b" value: "1" }
                                 sysctls { name: "c" value: "1" })pb",
                 R"pb(sysctls { name: "a" value: "1" }
                      sysctls { name: "b" value: "2" }
                      sysctls { name: "d" value: "1" })pb"),
            "~ name=b value:1>2\n"
            "- name=c value:1>\n"
            "+ name=d value:>1\n");
}

TEST(DiffTable, EqualKeysArePairedInOrderAfterEqualRows) {
  EXPECT_EQ(Diff("sysctls", R"pb(sysctls { name: "a" value: "1" }
                                 sysctls { name: "a" value: "2" }
                                 sysctls { name: "a" value: "3" })pb",
                 R"pb(sysctls { name: "a" value: "2" }
                      sysctls { name: "a" value: "9" })pb"),
            "~ name=a value:1>9\n"
            "- name=a value:3>\n");
  EXPECT_EQ(Diff("sysctls", R"pb(sysctls { name: "a" })pb",
                 R"pb(sysctls { name: "a" }
                      sysctls { name: "a" })pb"),
            "+ name=a\n");
}

TEST(DiffTable, ATableWithoutKeysHasOneRowThatChanges) {
  EXPECT_EQ(Diff("audit_status",
                 R"pb(audit_status { enabled: true failure: "printk" })pb",
                 R"pb(audit_status { failure: "panic" backlog_limit: 64 })pb"),
            "~ enabled:true>false failure:printk>panic backlog_limit:0>64\n");
}

TEST(DiffTable, InstantsAreTimesAndListsAreLists) {
  EXPECT_EQ(Diff("accounts", R"pb(accounts { name: "a" last_login: 0 })pb",
                 R"pb(accounts { name: "a" last_login: 1767225600 })pb"),
            "~ name=a last_login:>2026-01-01T00:00:00Z\n");
  EXPECT_EQ(Diff("groups", R"pb(groups { name: "g" members: "a" })pb",
                 R"pb(groups { name: "g" members: "a" members: "b" })pb"),
            "~ name=g members:[\"a\"]>[\"a\",\"b\"]\n");
}

// Column 3, `source`, is one that only one of two agents knows.
constexpr char kWithoutSource[] =
    R"pb(journal_config { option: "a" value: "1" }
         journal_config { option: "b" value: "1" }
         journal_config { option: "c" value: "1" })pb";
constexpr char kWithSource[] =
    R"pb(journal_config { option: "a" value: "1" source: "/etc/a" }
         journal_config { option: "b" value: "2" source: "/etc/b" }
         journal_config { option: "d" value: "1" source: "/etc/d" })pb";

TEST(DiffTable, AColumnThatOneSideDoesNotKnowChangesNoRow) {
  EXPECT_EQ(Diff("journal_config", kWithoutSource, kWithSource, 2),
            "~ option=b value:1>2\n"
            "- option=c value:1> seconds:0>\n"
            "+ option=d value:>1 source:>/etc/d seconds:>0\n");
  EXPECT_EQ(Diff("journal_config", kWithSource, kWithoutSource, 2),
            "~ option=b value:2>1\n"
            "+ option=c value:>1 seconds:>0\n"
            "- option=d value:1> source:/etc/d> seconds:0>\n");
}

TEST(DiffTable, RowsAreKnownByTheKeysThatBothSidesHave) {
  // Column 4, `interface`, is a key.
  constexpr char kTwo[] = R"pb(ports { port: 22 interface: "eth0" program: "s" }
                               ports { port: 22 interface: "eth1" })pb";
  EXPECT_EQ(Diff("ports", R"pb(ports { port: 22 program: "s" }
                               ports { port: 22 program: "t" })pb",
                 kTwo, 3),
            "");
  EXPECT_EQ(Diff("ports", R"pb(ports { port: 22 program: "s" })pb", kTwo, 5),
            "- protocol= address= port=22 interface= program:s>\n"
            "+ protocol= address= port=22 interface=eth0 program:>s\n"
            "+ protocol= address= port=22 interface=eth1\n");
}

TEST(DiffTable, NothingChangedIsNothing) {
  EXPECT_EQ(Diff("ports", "ports { port: 1 }", "ports { port: 1 }"), "");
}

TEST(DiffTable, BadInputIsAnError) {
  EXPECT_EQ(DiffTable("nothing", "", "x").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(DiffTable("ports", "", "\x0f").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(DiffVerdicts, TellsWhatCameOutDifferently) {
  CompiledBaseline baseline;
  for (const char* id : {"a", "b", "c"})
    baseline.controls.emplace_back().control.set_id(id);
  const auto state = [](std::vector<Judgement> judgements) {
    JudgedState judged;
    for (const Judgement& j : judgements)
      judged.judgements.push_back(std::make_shared<Judgement>(j));
    return judged;
  };
  const Judgement pass{v1::VERDICT_PASS, {}, {}},
      fail{v1::VERDICT_FAIL, {}, {}};
  const Judgement unknown{
      v1::VERDICT_UNKNOWN, HostText(std::string("why")), {}};
  const auto changes = DiffVerdicts(baseline, state({pass, pass, unknown}),
                                    state({pass, fail, pass}));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].table(), "verdicts");
  EXPECT_EQ(changes[0].key(0), "control=b");
  EXPECT_EQ(changes[0].columns(0).before(), "pass");
  EXPECT_EQ(changes[0].columns(0).after(), "fail");
  EXPECT_EQ(changes[1].columns(1).before(), "why");
}

}  // namespace
}  // namespace metsuke
