#include "controller/judge/query.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Fleet {
 public:
  void Add(std::vector<std::string> names, const std::string& text) {
    v1::Snapshot snapshot;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &snapshot))
        << text;
    StateHosts& state = states.emplace_back();
    for (const std::string& name : names) state.hosts.emplace_back(name);
    const auto* type = v1::Snapshot::descriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const std::string bytes = CanonicalTable(snapshot, type->field(i));
      state.tables[type->field(i)->name()] = Sha256(bytes);
      bodies[Sha256(bytes)] = bytes;
    }
  }

  // Rows as "cell cell", an integer with "#" before it; or the error.
  std::vector<std::string> Ask(const std::string& sql,
                               const std::string& reduce = "") {
    auto query = FleetQuery::Compile(sql, reduce);
    if (!query.ok()) return {Message(query.status())};
    columns = query->columns();
    reads = 0;
    std::vector<std::string> rows;
    const auto answer = query->Run(
        states,
        [&](const std::string& digest) -> absl::StatusOr<std::string> {
          ++reads;
          if (!bodies.contains(digest)) return absl::DataLossError("damaged");
          return bodies.at(digest);
        },
        0,
        [&](Row row) {
          std::string line;
          for (const Cell& cell : row) {
            if (const auto* text = std::get_if<HostText>(&cell))
              line += enc::Tty(*text) + " ";
            if (const auto* integer = std::get_if<int64_t>(&cell))
              line += "#" + std::to_string(*integer) + " ";
          }
          rows.push_back(line);
          return absl::OkStatus();
        });
    if (!answer.ok()) return {Message(answer.status())};
    shortfall = *answer;
    return rows;
  }

  std::vector<std::string> Incomplete() const {
    std::vector<std::string> lines;
    for (const auto& [reason, hosts] : shortfall.incomplete)
      for (const HostText& host : hosts)
        lines.push_back(enc::Tty(HostText(host.raw() + ": " + reason)));
    return lines;
  }

  std::vector<StateHosts> states;
  std::map<std::string, std::string> bodies;
  std::vector<std::string> columns;
  Shortfall shortfall;
  int reads = 0;
};

Fleet ThreeHosts() {
  Fleet fleet;
  const std::string ok = "collections { table: 'ports' status: 'ok' } ";
  fleet.Add({"web1", "web2"}, ok + "ports { port: 22 } ports { port: 80 }");
  fleet.Add({"db1"}, ok + "ports { port: 22 }");
  return fleet;
}

TEST(FleetQuery, RowsGetTheirHost) {
  Fleet fleet = ThreeHosts();
  EXPECT_THAT(fleet.Ask("SELECT port FROM ports ORDER BY port"),
              ElementsAre("web1 #22 ", "web1 #80 ", "web2 #22 ", "web2 #80 ",
                          "db1 #22 "));
  EXPECT_THAT(fleet.columns, ElementsAre("host", "port"));
  EXPECT_TRUE(fleet.shortfall.incomplete.empty());
}

TEST(FleetQuery, RunsOncePerDistinctTables) {
  Fleet fleet = ThreeHosts();
  for (int i = 0; i < 50; ++i)
    fleet.Add({"n" + std::to_string(i)},
              "collections { table: 'ports' status: 'ok' } ports { port: 22 } "
              "groups { name: 'g" +
                  std::to_string(i) + "' }");
  EXPECT_EQ(fleet.Ask("SELECT count(*) AS n FROM ports").size(), 53u);
  // Two bodies of ports, and `collections` for each of them.
  EXPECT_EQ(fleet.reads, 2 + 2);
}

TEST(FleetQuery, ReduceSeesAllRowsWithTheirTypes) {
  Fleet fleet = ThreeHosts();
  EXPECT_THAT(fleet.Ask("SELECT port FROM ports",
                        "SELECT port, count(*) AS hosts, min(host) FROM rows "
                        "GROUP BY port ORDER BY hosts"),
              ElementsAre("#80 #2 web1 ", "#22 #3 db1 "));
  EXPECT_THAT(fleet.columns, ElementsAre("port", "hosts", "min(host)"));
  EXPECT_THAT(
      fleet.Ask("SELECT port, protocol AS \"a\"\"b\" FROM ports",
                "SELECT typeof(port), typeof(\"a\"\"b\") FROM rows LIMIT 1"),
      ElementsAre("integer text "));
}

TEST(FleetQuery, AColumnOfTheHostsNameStandsBesideTheHosts) {
  Fleet fleet = ThreeHosts();
  EXPECT_THAT(fleet.Ask("SELECT port, 'x' AS host FROM ports WHERE port = 80"),
              ElementsAre("web1 #80 x ", "web2 #80 x "));
  EXPECT_THAT(fleet.columns, ElementsAre("host", "port", "row_host"));
  EXPECT_THAT(fleet.Ask("SELECT 'x' AS host",
                        "SELECT row_host, count(*) AS n FROM rows GROUP BY 1"),
              ElementsAre("x #3 "));
}

TEST(FleetQuery, MoreReasonsThanAreToldStandTogether) {
  Fleet fleet;
  for (int i = 0; i < 1003; ++i)
    fleet.Add({std::to_string(i)},
              "collections { table: 'ports' status: 'internal' message: '" +
                  std::to_string(i) + "' }");
  fleet.Ask("SELECT port FROM ports");
  EXPECT_EQ(fleet.shortfall.incomplete.size(), 1001u);
  EXPECT_EQ(fleet.Incomplete().size(), 1003u);
}

TEST(FleetQuery, MistakesAreToldBeforeAnythingRuns) {
  Fleet fleet = ThreeHosts();
  EXPECT_THAT(fleet.Ask("SELECT prot FROM ports"),
              ElementsAre("no such column: prot; did you mean port?"));
  EXPECT_THAT(fleet.Ask("SELECT port FROM ports", "SELECT prot FROM rows"),
              ElementsAre("reduce: no such column: prot; did you mean port?"));
  EXPECT_THAT(fleet.Ask("SELECT port FROM ports", "SELECT port FROM ports"),
              ElementsAre(HasSubstr("reduce: no such table: ports")));
  EXPECT_THAT(fleet.Ask("SELECT port FROM ports", "DROP TABLE rows"),
              ElementsAre("reduce: only SELECT is allowed"));
  EXPECT_THAT(fleet.Ask("SELECT 1 AS host, 2 AS row_host"),
              ElementsAre(HasSubstr("a column `host`")));
  EXPECT_THAT(fleet.Ask("SELECT port, port FROM ports", "SELECT 1 FROM rows"),
              ElementsAre(HasSubstr("give each column a name")));
}

TEST(FleetQuery, WhatCouldNotBeSeenIsSaid) {
  Fleet fleet = ThreeHosts();
  fleet.Add({"a", "b"},
            "collections { table: 'ports' status: 'internal' message: "
            "'netlink\\n' }");
  fleet.Add({"c"}, "");
  fleet.Add({"d"},
            "collections { table: 'ports' status: 'ok' } gaps { table: 'ports' "
            "subject: 's' reason: 'r' }");
  fleet.Add({"e"},
            "collections { table: 'ports' status: 'absent' message: 'none' }");
  fleet.Add({"old"},
            "collections { table: 'ports' status: 'ok' columns: 1 }");
  EXPECT_EQ(fleet.Ask("SELECT port FROM ports").size(), 5u);
  EXPECT_THAT(
      fleet.Incomplete(),
      UnorderedElementsAre("a: ports: netlink\\x0a", "b: ports: netlink\\x0a",
                  "c: ports: not collected on this host", "d: ports: s: r",
                  HasSubstr("old: ports: its agent: it is older than this")));
  EXPECT_EQ(fleet.shortfall.incomplete_hosts, 5u);
  fleet.Ask("SELECT 1");
  EXPECT_TRUE(fleet.shortfall.incomplete.empty());
}

TEST(FleetQuery, AHostOnWhichItFailsIsNotTheEndOfTheOthers) {
  Fleet fleet = ThreeHosts();
  fleet.Add({"odd"},
            "collections { table: 'interfaces' status: 'ok' } interfaces { "
            "address: 'x' }");
  fleet.Add({"good"},
            "collections { table: 'interfaces' status: 'ok' } interfaces { "
            "address: '::1' }");
  EXPECT_THAT(fleet.Ask("SELECT is_loopback(address) AS l FROM interfaces"),
              ElementsAre("good #1 "));
  EXPECT_THAT(fleet.Incomplete(),
              testing::Contains("odd: is_loopback(): the address is not one"));
}

TEST(FleetQuery, ADamagedBodyIsOneHostsTrouble) {
  Fleet fleet = ThreeHosts();
  fleet.bodies.erase(fleet.states[0].tables["ports"]);
  EXPECT_THAT(fleet.Ask("SELECT port FROM ports"), ElementsAre("db1 #22 "));
  EXPECT_THAT(fleet.Incomplete(),
              ElementsAre("web1: ports: damaged", "web2: ports: damaged"));
}

TEST(FleetQuery, ARunawayIsStopped) {
  Fleet fleet = ThreeHosts();
  EXPECT_THAT(fleet.Ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + "
                        "1 FROM n) SELECT count(*) FROM n"),
              ElementsAre(HasSubstr("the query was stopped")));
}

TEST(FleetQuery, TooManyRowsAreCountedAndNeverReduced) {
  Fleet fleet = ThreeHosts();
  const std::string many =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 100001) SELECT i FROM n";
  EXPECT_EQ(fleet.Ask(many).size(), 300'000u);
  EXPECT_EQ(fleet.shortfall.omitted, 3u);
  EXPECT_THAT(fleet.Ask(many, "SELECT count(*) FROM rows"),
              ElementsAre(HasSubstr("too many rows for the reduce")));
}

}  // namespace
}  // namespace metsuke
