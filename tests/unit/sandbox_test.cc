// What a query may do and may not.

#include "controller/judge/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/judge/functions.h"
#include "controller/judge/tables.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kNow = 1767225600;  // 2026-01-01T00:00:00Z

v1::Snapshot TwoPorts() {
  v1::Snapshot snapshot;
  for (const uint32_t number : {22u, 23u}) {
    v1::Port& port = *snapshot.add_ports();
    port.set_protocol("tcp");
    port.set_address("0.0.0.0");
    port.set_port(number);
  }
  v1::Group& group = *snapshot.add_groups();
  group.set_name("sudo");
  group.add_members("a\"b");
  group.add_members("目付");
  v1::Account& account = *snapshot.add_accounts();
  account.set_name("root");
  account.set_uid(4294967295u);
  account.set_system(true);
  account.set_password_max_days(-1);
  return snapshot;
}

Tables Loaded() {
  auto tables = Tables::Open();
  EXPECT_TRUE(tables.ok()) << tables.status();
  EXPECT_TRUE(tables->LoadAll(TwoPorts()).ok());
  return *std::move(tables);
}

// The only cell of the answer as text, or the error.
std::string One(const std::string& sql) {
  auto tables = Loaded();
  const auto rows = tables.Query(sql, kNow);
  if (!rows.ok()) return Message(rows.status());
  if (rows->rows.size() != 1)
    return std::to_string(rows->rows.size()) + " rows";
  const Cell& cell = rows->rows[0][0];
  if (const auto* integer = std::get_if<int64_t>(&cell))
    return std::to_string(*integer);
  if (const auto* text = std::get_if<HostText>(&cell)) return enc::Tty(*text);
  return std::holds_alternative<double>(cell) ? "real" : "NULL";
}

TEST(Tables, ColumnsKeepTheirTypes) {
  EXPECT_EQ(One("SELECT uid FROM accounts"), "4294967295");
  EXPECT_EQ(One("SELECT system FROM accounts"), "1");
  EXPECT_EQ(One("SELECT password_max_days FROM accounts"), "-1");
  EXPECT_EQ(One("SELECT typeof(port) FROM ports WHERE port = 22"), "integer");
  EXPECT_EQ(One("SELECT count(*) FROM groups, json_each(groups.members)"), "2");
  EXPECT_EQ(
      One("SELECT value FROM groups, json_each(members) WHERE value LIKE 'a%'"),
      "a\"b");
  EXPECT_EQ(One("SELECT 1.5"), "real");
  EXPECT_EQ(One("SELECT NULL"), "NULL");
  EXPECT_EQ(One("SELECT x'00ff'"), "00ff");
  EXPECT_EQ(One("SELECT CAST(x'41ff' AS TEXT)"), "A\uFFFD");
}

TEST(Tables, NoColumnIsNull) {
  auto tables = Loaded();
  const auto* snapshot = v1::Snapshot::descriptor();
  for (int i = 0; i < snapshot->field_count(); ++i) {
    const auto* row = snapshot->field(i)->message_type();
    v1::Snapshot one;
    one.GetReflection()->AddMessage(&one, snapshot->field(i));
    ASSERT_TRUE(tables.LoadAll(one).ok());
    for (int c = 0; c < row->field_count(); ++c) {
      const auto rows =
          tables.Query("SELECT 1 FROM " + snapshot->field(i)->name() +
                           " WHERE \"" + row->field(c)->name() + "\" IS NULL",
                       kNow);
      ASSERT_TRUE(rows.ok()) << rows.status();
      EXPECT_TRUE(rows->rows.empty()) << row->field(c)->full_name();
    }
  }
}

TEST(Tables, LoadReplacesTheRowsOfOneTable) {
  auto tables = Loaded();
  v1::Snapshot other;
  other.add_ports()->set_port(80);
  const std::string bytes = CanonicalTable(other, TableField("ports"));
  ASSERT_TRUE(tables.Load("ports", Sha256(bytes), bytes).ok());
  EXPECT_TRUE(tables.Holds("ports", Sha256(bytes)));
  EXPECT_EQ(std::get<int64_t>(
                tables.Query("SELECT sum(port) FROM ports", 0)->rows[0][0]),
            80);
  EXPECT_EQ(std::get<int64_t>(
                tables.Query("SELECT count(*) FROM groups", 0)->rows[0][0]),
            1);
  EXPECT_EQ(tables.Load("ports", "d", "\x0f").code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(tables.Load("nothing", "d", "").code(),
            absl::StatusCode::kNotFound);
}

TEST(Tables, ARowThatDoesNotFitIsAnErrorAndNotAHole) {
  auto tables = Loaded();
  v1::Snapshot big;
  big.add_groups()->set_name(std::string(2 << 20, 'x'));
  const std::string bytes = CanonicalTable(big, TableField("groups"));
  EXPECT_THAT(Message(tables.Load("groups", "d", bytes)),
              HasSubstr("groups: a row does not fit"));
  EXPECT_FALSE(tables.Holds("groups", "d"));
}

Access AccessOf(const std::string& sql) {
  auto tables = Loaded();
  const auto access = tables.Compile(sql);
  EXPECT_TRUE(access.ok()) << sql << access.status();
  return access.value_or(Access());
}

std::set<std::string> Read(const std::string& sql) {
  std::set<std::string> tables;
  for (const auto& [table, columns] : AccessOf(sql).reads) tables.insert(table);
  return tables;
}

TEST(Sandbox, TellsWhatAQueryReads) {
  EXPECT_THAT(Read("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM sshd_options)"),
              ElementsAre("sshd_options"));
  EXPECT_THAT(Read("SELECT count(*) FROM ports"), ElementsAre("ports"));
  EXPECT_THAT(Read("SELECT 1 FROM PORTS"), ElementsAre("ports"));
  EXPECT_THAT(Read("SELECT g.name FROM groups g LEFT JOIN accounts a ON a.name "
                   "= g.name"),
              ElementsAre("accounts", "groups"));
  EXPECT_THAT(Read("SELECT port FROM ports WHERE port IN (SELECT gid FROM "
                   "groups) AND 1 = 2"),
              ElementsAre("groups", "ports"));
  EXPECT_THAT(Read("SELECT port FROM ports WHERE (SELECT count(*) FROM groups) "
                   "> 5 LIMIT 0"),
              ElementsAre("groups", "ports"));
  EXPECT_THAT(Read("SELECT port FROM ports UNION SELECT uid FROM accounts"),
              ElementsAre("accounts", "ports"));
  EXPECT_THAT(
      Read(
          "WITH n AS (SELECT value FROM json_each('[1]')) SELECT value FROM n"),
      ElementsAre());
  EXPECT_THAT(Read("WITH n AS (SELECT port FROM ports) SELECT count(*) FROM n"),
              testing::Contains("ports"));
  EXPECT_THAT(Read("VALUES (1)"), ElementsAre());
}

TEST(Sandbox, TellsWhichColumnsAQueryReads) {
  EXPECT_EQ(AccessOf("SELECT Port FROM PORTS WHERE \"program\" = 'a'").reads,
            (Reads{{"ports", {"port", "program"}}}));
  EXPECT_EQ(AccessOf("SELECT count(*) FROM groups").reads,
            (Reads{{"groups", {}}}));
  EXPECT_EQ(AccessOf("SELECT * FROM groups").reads,
            (Reads{{"groups", {"name", "gid", "members"}}}));
  EXPECT_EQ(AccessOf("WITH p AS (SELECT * FROM groups) SELECT gid FROM p").reads,
            (Reads{{"groups", {"name", "gid", "members"}}}));
  // The place among the rows comes of all their columns.
  EXPECT_EQ(AccessOf("SELECT _rowid_ FROM groups").reads,
            (Reads{{"groups", {"name", "gid", "members"}}}));
  // SQLite does not tell by which columns these join.
  for (const char* join : {"NATURAL JOIN accounts", "JOIN accounts USING (gid)"})
    EXPECT_EQ(
        AccessOf(std::string("SELECT members FROM groups ") + join)
            .decides.at("groups"),
        (std::set<std::string>{"name", "gid", "members"}))
        << join;
}

TEST(Sandbox, TellsWhichColumnsAQueryDecidesBy) {
  const auto decides = [](const std::string& sql) {
    return AccessOf(sql).decides;
  };
  const Reads port = {{"ports", {"port"}}};
  const Reads both = {{"ports", {"port", "program"}}};
  EXPECT_EQ(decides("SELECT program FROM ports WHERE port = 23"), port);
  EXPECT_EQ(decides("/* FROM */ SELECT DISTINCT program AS \"from\", ' FROM ', "
                    "(SELECT max(gid) FROM groups) AS g -- from\n"
                    "FROM ports WHERE port = 23"),
            port);
  EXPECT_EQ(decides("SELECT port FROM ports WHERE program = 'a' OR port = 1"),
            both);
  EXPECT_EQ(decides("SELECT max(port) FROM ports"), (Reads{{"ports", {}}}));
  // Here what is shown decides, or might.
  for (const char* sql :
       {"SELECT program FROM ports WHERE port = 1 GROUP BY 1 HAVING count(*) > "
        "1",
        "SELECT program FROM ports WHERE port = 1 EXCEPT SELECT 'a'",
        "SELECT DISTINCT program FROM ports WHERE port = 1 LIMIT 1 OFFSET 1",
        "SELECT program = 'a' AS true FROM ports WHERE port = 1 AND true",
        "SELECT program FROM ports WHERE 1 IS NOT ?1EXCEPT SELECT 'a' FROM "
        "ports WHERE port = 1",
        "SELECT program FROM ports WHERE port = 1 \xEF\xBB\xBF" "EXCEPT SELECT "
        "'a'",
        "WITH p AS (SELECT program FROM ports WHERE port = 1) SELECT 1 FROM p",
        "SELECT program AS p FROM ports WHERE port = 1 AND p = 'x'",
        "SELECT 1 FROM (SELECT program FROM ports WHERE port = 1) p",
        "SELECT program IS DISTINCT FROM 'x' AS p FROM ports WHERE port = 1",
        "SELECT 1 WHERE EXISTS (SELECT program FROM ports WHERE port = 1)"})
    EXPECT_EQ(decides(sql), both) << sql;
}

TEST(Sandbox, TellsWhetherAQueryAsksTheTime) {
  auto tables = Loaded();
  EXPECT_TRUE(tables.Compile("SELECT now()")->time);
  EXPECT_TRUE(
      tables.Compile("SELECT 1 FROM accounts WHERE Days_Since(expires) > 1")
          ->time);
  EXPECT_FALSE(tables.Compile("SELECT utc(expires) FROM accounts")->time);
}

TEST(Sandbox, LetsNothingThroughButSelect) {
  for (const char* sql :
       {"DELETE FROM ports", "ATTACH '/etc/passwd' AS x", "DROP TABLE ports",
        "PRAGMA writable_schema = 1", "PRAGMA user_version",
        "INSERT INTO ports SELECT * FROM ports", "UPDATE ports SET port = 1",
        "CREATE TEMP TABLE x(y)", "VACUUM INTO '/tmp/x'", "BEGIN",
        "EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT 1", "REINDEX", "ANALYZE",
        "DETACH main", "SAVEPOINT a"})
    EXPECT_EQ(One(sql), "only SELECT is allowed") << sql;
  // SQLite 3.46 has its own words for these.
  for (const char* sql : {"SELECT * FROM pragma_table_info('ports')",
                          "SELECT count(*) FROM pragma_database_list"})
    EXPECT_THAT(One(sql), testing::AnyOf("only SELECT is allowed",
                                         HasSubstr("no such table: pragma_")))
        << sql;
  for (const char* sql :
       {"SELECT * FROM sqlite_master", "SELECT count(*) FROM sqlite_master",
        "SELECT count(*) FROM sqlite_schema",

        "SELECT count(*) FROM dbstat", "SELECT * FROM sqlite_stmt",
        "SELECT count(*) FROM sqlite_stmt", "SELECT * FROM fts5vocab",
        "SELECT * FROM nothere"})
    EXPECT_THAT(One(sql), HasSubstr("no such table")) << sql;
  for (const char* sql :
       {"SELECT random()", "SELECT randomblob(8)", "SELECT date('now')",
        "SELECT CURRENT_TIMESTAMP", "SELECT CURRENT_DATE",
        "SELECT strftime('%s', 'now')", "SELECT julianday()",
        "SELECT unixepoch()", "SELECT load_extension('x')",
        "SELECT zeroblob(1000000)", "SELECT sqlite_version()",
        "SELECT total_changes()", "SELECT fts3_tokenizer('x')",
        "SELECT 1 FROM ports ORDER BY random()"})
    EXPECT_THAT(One(sql), HasSubstr("is not allowed")) << sql;
  EXPECT_EQ(One("SELECT 1; SELECT 2"), "more than one statement");
  EXPECT_EQ(One("SELECT 1; nonsense"), "more than one statement");
  EXPECT_EQ(One("SELECT 1; -- a comment\n ;"), "1");
  EXPECT_EQ(One(""), "the query is empty");
  EXPECT_EQ(One("-- nothing"), "the query is empty");
  EXPECT_EQ(One(std::string("SELECT 1\0 FROM x", 16)),
            "the query has a NUL in it");
  EXPECT_THAT(One("SELECT \"tcp\""),
              testing::ContainsRegex("no such column: \"?tcp"));
}

TEST(Sandbox, EveryListedFunctionIsThere) {
  auto tables = Loaded();
  for (const std::string& name : FunctionNames()) {
    if (name.starts_with("-") || name.starts_with("json_each") ||
        name == "json_tree")
      continue;
    const auto access = tables.Compile("SELECT " + name + "()");
    EXPECT_THAT(Message(access.status()),
                testing::Not(HasSubstr("no such function")))
        << name;
  }
}

TEST(Sandbox, SuggestsTheNameThatWasMeant) {
  EXPECT_EQ(One("SELECT prot FROM ports"),
            "no such column: prot; did you mean port?");
  EXPECT_EQ(One("SELECT p.prot FROM ports p"),
            "no such column: p.prot; did you mean port?");
  EXPECT_EQ(One("SELECT port FROM prots"),
            "no such table: prots; did you mean ports?");
  EXPECT_EQ(One("SELECT in_cdir('1', '2')"),
            "no such function: in_cdir; did you mean in_cidr?");
}

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
    "count(*) FROM n";

TEST(Sandbox, AQueryThatNeverEndsIsStopped) {
  auto tables = Loaded();
  const auto steps = tables.Query(kEndless, 0, {.steps = 1'000'000});
  EXPECT_EQ(steps.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(steps.status()), HasSubstr("more than 1000000 steps"));
  const auto time = tables.Query(
      kEndless, 0,
      {.steps = UINT64_MAX / 2, .time = std::chrono::milliseconds(50)});
  EXPECT_EQ(time.status().code(), absl::StatusCode::kDeadlineExceeded);
  // It is fit for the next query.
  EXPECT_TRUE(tables.Query("SELECT count(*) FROM ports", 0).ok());
}

TEST(Sandbox, AQueryThatEatsMemoryIsStopped) {
  auto tables = Loaded();
  const auto rows = tables.Query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT i, format('%900000s', i) AS text FROM n "
      "ORDER BY text",
      0, {.memory_bytes = 64 << 20});
  EXPECT_EQ(rows.status().code(), absl::StatusCode::kUnavailable)
      << rows.status();
  EXPECT_THAT(
      One("SELECT replace(format('%90s', ''), ' ', format('%90000s', ''))"),
      HasSubstr("too big"));
}

TEST(Sandbox, TooManyRowsAreCountedAndNotKept) {
  auto tables = Loaded();
  const std::string ten =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 10) SELECT i FROM n";
  const auto few = tables.Query(ten, 0, {.rows = 4});
  EXPECT_EQ(few->rows.size(), 4u);
  EXPECT_EQ(few->omitted, 6u);
  const auto small = tables.Query(ten, 0, {.bytes = 1});
  EXPECT_EQ(small->rows.size(), 1u);
  EXPECT_EQ(small->omitted, 9u);
}

TEST(Sandbox, HugeQueriesAreRefused) {
  std::string deep = "SELECT 1";
  for (int i = 0; i < 1000; ++i) deep += " + 1";
  EXPECT_THAT(One(deep), HasSubstr("Expression tree is too large"));
  EXPECT_THAT(One("SELECT '" + std::string(100'000, 'x') + "'"),
              HasSubstr("too big"));
}

TEST(Functions, TellTheTime) {
  EXPECT_EQ(One("SELECT now()"), "1767225600");
  EXPECT_EQ(One("SELECT days_since(now())"), "0");
  EXPECT_EQ(One("SELECT days_since(now() - 1)"), "1");
  EXPECT_EQ(One("SELECT days_since(now() + 86399)"), "0");
  EXPECT_EQ(One("SELECT days_since(now() + 86400)"), "-1");
  EXPECT_EQ(One("SELECT days_since(0)"), "20454");
  EXPECT_EQ(One("SELECT days_since(-1)"), "20455");
  EXPECT_EQ(One("SELECT days_since(-9223372036854775808) > 0"), "1");
  EXPECT_EQ(One("SELECT utc(now())"), "2026-01-01T00:00:00Z");
  for (const char* odd : {"days_since('0')", "days_since(NULL)", "utc(1.5)",
                          "days_since(expires || '')"})
    EXPECT_THAT(One(std::string("SELECT ") + odd + " FROM accounts"),
                HasSubstr("which is an integer"))
        << odd;
}

TEST(Functions, InCidrKnowsBothFamilies) {
  const auto in = [](const std::string& address, const std::string& network) {
    return One("SELECT in_cidr('" + address + "', '" + network + "')");
  };
  EXPECT_EQ(in("10.1.2.3", "10.0.0.0/8"), "1");
  EXPECT_EQ(in("11.1.2.3", "10.0.0.0/8"), "0");
  EXPECT_EQ(in("192.0.2.127", "192.0.2.0/25"), "1");
  EXPECT_EQ(in("192.0.2.128", "192.0.2.0/25"), "0");
  EXPECT_EQ(in("192.0.2.7", "192.0.2.7"), "1");
  EXPECT_EQ(in("192.0.2.7", "0.0.0.0/0"), "1");
  EXPECT_EQ(in("::ffff:10.0.0.1", "10.0.0.0/8"), "1");
  EXPECT_EQ(in("10.0.0.1", "::ffff:10.0.0.0/104"), "1");
  EXPECT_EQ(in("2001:db8::1", "2001:db8::/32"), "1");
  EXPECT_EQ(in("2001:db9::1", "2001:db8::/32"), "0");
  EXPECT_EQ(in("10.0.0.1", "::/0"), "0");
  EXPECT_EQ(in("2001:db8::1", "0.0.0.0/0"), "0");
  EXPECT_EQ(in("2001:db8::1", "::/0"), "1");
  EXPECT_EQ(in("192.0.2.7/24", "192.0.2.0/28"), "1");
  for (const char* odd :
       {"", "10.0.0", "localhost", "10.0.0.1/33", "10.0.0.1/-1", "1.2.3.4/",
        "fe80::1%eth0", "10.0.0.1 "}) {
    EXPECT_THAT(in(odd, "10.0.0.0/8"), HasSubstr("the address is not one"))
        << odd;
    EXPECT_THAT(in("10.0.0.1", odd), HasSubstr("the network is not one"))
        << odd;
  }
  EXPECT_THAT(One("SELECT in_cidr(NULL, '10.0.0.0/8')"),
              HasSubstr("the address is not one"));
  EXPECT_THAT(One("SELECT in_cidr(x'0a000001', '10.0.0.0/8')"),
              HasSubstr("the address is not one"));
}

TEST(Functions, IsLoopbackKnowsBothFamilies) {
  for (const char* address :
       {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"})
    EXPECT_EQ(One(std::string("SELECT is_loopback('") + address + "')"), "1")
        << address;
  for (const char* address :
       {"0.0.0.0", "::", "128.0.0.1", "::2", "::127.0.0.1"})
    EXPECT_EQ(One(std::string("SELECT is_loopback('") + address + "')"), "0")
        << address;
  EXPECT_THAT(One("SELECT is_loopback('lo')"),
              HasSubstr("the address is not one"));
}

TEST(Functions, SelectorMatchesAsListsOfHostsAreChosen) {
  const auto matches = [](const std::string& selector,
                          const std::string& labels) {
    return One("SELECT selector_matches('" + selector + "', '" + labels + "')");
  };
  EXPECT_EQ(matches("", "[]"), "1");
  EXPECT_EQ(matches("role=web", "[]"), "0");
  EXPECT_EQ(matches("role=web", R"(["role=web","zone=dmz"])"), "1");
  EXPECT_EQ(matches("zone,role=web", R"(["role=web","zone=dmz"])"), "1");
  EXPECT_EQ(matches("zone,role=db", R"(["role=web","zone=dmz"])"), "0");
  EXPECT_EQ(matches("role=we", R"(["role=web"])"), "0");
  EXPECT_THAT(matches("a b", "[]"), HasSubstr("the selector is none: "));
  EXPECT_THAT(One("SELECT selector_matches(NULL, '[]')"),
              HasSubstr("the selector is none: "));
  for (const char* odd : {"", "role=web", "{}", "[1]", "["})
    EXPECT_THAT(matches("", odd), HasSubstr("the labels are no JSON array"))
        << odd;
  EXPECT_THAT(One("SELECT selector_matches('', NULL)"),
              HasSubstr("the labels are no JSON array"));
}

TEST(Functions, VersionCompareAsksTheManager) {
  EXPECT_EQ(One("SELECT version_compare('1.0~rc1', '1.0', 'dpkg')"), "-1");
  EXPECT_EQ(One("SELECT version_compare('1.0^1', '1.0', 'rpm')"), "1");
  EXPECT_THAT(One("SELECT version_compare('1', '2', 'apk')"),
              HasSubstr("'dpkg' or 'rpm'"));
  EXPECT_THAT(One("SELECT version_compare('', '2', 'dpkg')"),
              HasSubstr("empty or not text"));
}

}  // namespace
}  // namespace metsuke
