// Reports, made of a store that holds a small fleet's history.

#include "controller/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "controller/delivery/letter.h"
#include "controller/delivery/nightly.h"
#include "controller/delivery/recipients.h"
#include "controller/report/fleet_change.h"
#include "controller/report/lines.h"
#include "controller/standing.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "tests/unit/run_sql.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kBaseline[] = R"(
controls:
- id: no-telnet
  statements: [BZ-01]
  title: {en: No telnet, ja: telnet がない}
  severity: critical
  violations: SELECT port, program FROM ports WHERE port = 23 OR program = 'telnetd'
  flags: {ports: [{port: 23}]}
  clears: {ports: [{port: 22}]}
- id: no-ftp
  statements: [BZ-01]
  title: {en: No FTP, ja: FTP がない}
  severity: low
  violations: SELECT port FROM ports WHERE port = 21
  flags: {ports: [{port: 21}]}
  clears: {ports: [{port: 22}]}
sections:
- {table: ports, title: {en: Sockets, ja: ソケット}}
noise:
- {table: host, columns: [package_lists_fetched], why: {en: daily, ja: 毎日}}
causes:
- {tables: [ports], programs: [inetd]}
coming:
- id: account-expires
  title: {en: Accounts that expire, ja: 期限}
  violations: SELECT expires, name FROM accounts WHERE expires > now() AND expires < now() + 10 * 86400
  flags: {accounts: [{name: a, expires: 1767744000}]}
  clears: {accounts: [{name: a}]}
stale:
- id: lists-old
  title: {en: Old lists, ja: 古い一覧}
  violations: SELECT hostname FROM host WHERE package_lists_fetched = 1
  flags: {host: [{package_lists_fetched: 1}]}
  clears: {host: [{package_lists_fetched: 2}]}
)";

// Days end at midnight UTC.
constexpr int64_t kDay = 86400, kFirst = 20'000 * kDay, kSecond = kFirst + kDay;

std::string Id(int number) {
  return fmt::format("00000000-0000-4000-8000-{:012}", number);
}

// What a host looks like.
struct Look {
  int64_t at = 0;
  std::vector<uint32_t> ports;
  std::string failed;   // a table that could not be collected
  std::string without;  // a table that its agent does not know
  int64_t fetched = 2;  // when its lists of packages were fetched
  int64_t expires = 0;  // of its account deploy
  std::string program;  // that listens
  std::string gap;      // what cannot be seen of its ports
  std::string name;     // that it does not have by its number
  uint32_t columns = 0;  // of its ports that its agent knows
};

class ReportTest : public testing::Test {
 protected:
  ReportTest() { Open(); }

  void Open() {
    store_.reset();
    auto store = OpenSqliteStore(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    baseline_ = *StandingBaseline::Load(*store_);
    registers_ = std::make_unique<StandingRegisters>(*store_);
  }

  void ApplyBaseline(const std::string& yaml = kBaseline) {
    v1::BaselineFile file;
    file.set_name("test.yaml");
    file.set_yaml(yaml);
    const auto applied = baseline_->Apply({file}, "test", 1);
    ASSERT_TRUE(applied.ok()) << applied.status();
  }

  void Join(int host, int64_t at) {
    std::promise<void> met;
    store_->Connect({.host = Id(host),
                     .stream = std::string(16, 's'),
                     .version = "1",
                     .now = at,
                     .address = "192.0.2.1"},
                    [&](absl::StatusOr<Standing> standing) {
                      EXPECT_TRUE(standing.ok()) << standing.status();
                      met.set_value();
                    });
    met.get_future().wait();
  }

  // The host tells at `now` what it looked like.
  void Report(int host, const Look& look, int64_t now = 0) {
    v1::Snapshot rows;
    v1::HostFact& fact = *rows.add_host();
    fact.set_hostname(look.name.empty() ? fmt::format("web{:02}", host)
                                        : look.name);
    fact.set_package_lists_fetched(look.fetched);
    for (const uint32_t port : look.ports) {
      v1::Port& row = *rows.add_ports();
      row.set_port(port);
      row.set_program(look.program);
    }
    v1::Account& account = *rows.add_accounts();
    account.set_name("deploy");
    account.set_expires(look.expires);
    for (const char* table : {"accounts", "host", "ports"}) {
      if (look.without == table) continue;
      v1::Collection& row = *rows.add_collections();
      row.set_table(table);
      row.set_status(look.failed == table ? "permission_denied" : "ok");
      if (look.failed == table) row.set_message("denied");
      if (row.table() == "ports") row.set_columns(look.columns);
    }
    HostUpdate update{.host = Id(host),
                      .stream = std::string(16, 's'),
                      .seq = ++seq_[host],
                      .now = now != 0 ? now : look.at,
                      .state = v1::State()};
    update.state->set_taken(look.at);
    if (!look.gap.empty()) {
      v1::Gap& row = *rows.add_gaps();
      row.set_table("ports");
      row.set_subject(look.gap);
      row.set_reason("denied");
    }
    for (const char* table :
         {"accounts", "collections", "gaps", "host", "packages", "ports"}) {
      update.bodies.push_back(
          MakeBody(table, CanonicalTable(rows, TableField(table))));
      v1::TableDigest& digest = *update.state->add_tables();
      digest.set_table(table);
      digest.set_digest(update.bodies.back().digest);
    }
    Commit(std::move(update));
  }

  void Happens(int host, v1::Event event) {
    event.set_id(Sha256(event.SerializeAsString()).substr(0, 16));
    HostUpdate update{.host = Id(host),
                      .stream = std::string(16, 's'),
                      .seq = ++seq_[host],
                      .now = event.time()};
    update.events.push_back(std::move(event));
    Commit(std::move(update));
  }

  void Commit(HostUpdate update) {
    std::promise<void> kept;
    store_->Commit(std::move(update), [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      kept.set_value();
    });
    kept.get_future().wait();
  }

  // The host says that nothing changed; stored when this returns.
  void Touch(int host, int64_t now) {
    store_->Touch(Id(host), now);
    EXPECT_TRUE(store_->Forget(0).ok());
  }

  ReportSources Sources() {
    judge_ = baseline_->judge();
    return {.store = *store_,
            .registers = *registers_,
            .judge = judge_.get(),
            .interval = 300};
  }

  v1::Report Make(int64_t from, int64_t to, const HostFilter& hosts = {}) {
    const auto made =
        MakeReport(Sources(), {.hosts = hosts, .from = from, .to = to});
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? made->report : v1::Report();
  }

  // Keeps the report of the night that is due; what was kept.
  std::optional<v1::ReportEntry> Night(int64_t now) {
    auto made = MakeDueReport(Sources(), {0, 0}, recipients_, now);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : std::nullopt;
  }

  v1::Report Kept(const std::string& day) {
    v1::Report report;
    const auto bytes = store_->ReadReport(day, "");
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_TRUE(report.ParseFromString(*bytes));
    return report;
  }

  DeliveryRules recipients_;
  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
  std::unique_ptr<StandingRegisters> registers_;
  std::shared_ptr<Judge> judge_;
  std::map<int, uint64_t> seq_;
};

// A line for each turn: "CONTROL BEFORE>AFTER HOSTS: ROWS".
std::vector<std::string> Turned(const v1::Report& report) {
  std::vector<std::string> lines;
  for (const v1::ReportTurn& turn : report.turns()) {
    std::string line = fmt::format(
        "{} {}>{} {}:", turn.control(), static_cast<int>(turn.before()),
        static_cast<int>(turn.after()), fmt::join(turn.hosts().names(), ","));
    for (const v1::ReportRow& row : turn.rows())
      line += fmt::format(" {}{}x{}", row.gone() ? "-" : "+",
                          row.cells(0).integer(), row.hosts().count());
    lines.push_back(line);
  }
  return lines;
}

// "TABLE KIND KEY… HOSTS" for each changed row.
std::vector<std::string> Changed(const v1::Report& report) {
  std::vector<std::string> lines;
  for (const v1::ReportChanges& group : report.changes())
    for (const v1::Change& change : group.changes())
      lines.push_back(fmt::format("{} {} {} x{}", group.table(), change.kind(),
                                  fmt::join(change.key(), " "),
                                  group.hosts().count()));
  return lines;
}

// "KIND TABLE FRESH HOSTS" for what was not seen.
std::vector<std::string> Blind(const v1::Report& report) {
  std::vector<std::string> lines;
  for (const v1::ReportUnseen& unseen : report.unseen())
    lines.push_back(fmt::format("{} {}{} {}", unseen.kind(), unseen.table(),
                                unseen.fresh() ? " new" : "",
                                fmt::join(unseen.hosts().names(), ",")));
  return lines;
}

TEST_F(ReportTest, TheSameChangeOnManyHostsIsOneLine) {
  ApplyBaseline();
  for (int host = 1; host <= 5; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    // Each has something of its own, so that no two states are equal.
    Report(host, {.at = kFirst + 1000,
                  .ports = {22, 23},
                  .expires = kSecond + 100 * kDay + host});
  }
  Report(5, {.at = kFirst + 2000, .ports = {22, 23, 21}});
  for (int host = 1; host <= 5; ++host) Touch(host, kSecond);
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_THAT(Turned(report),
              ElementsAre("no-telnet 1>2 web01,web02,web03,web04,web05: +23x5",
                          "no-ftp 1>2 web05: +21x1"));
  EXPECT_THAT(Changed(report),
              testing::Contains(
                  "ports added protocol= address= port=23 interface= x5"));
  EXPECT_EQ(report.changes(0).title().en(), "Sockets") << "sections come first";
  EXPECT_THAT(Blind(report), IsEmpty());
  EXPECT_EQ(report.before().hosts(), 5u);
  EXPECT_EQ(report.before().score(), 100);
  EXPECT_EQ(report.after().critical(), 5u);
  // 10 of 11 lost on four, all on the fifth.
  EXPECT_NEAR(report.after().score(), 4.0 / 5 * 100 / 11, 1e-9);
  ASSERT_EQ(report.scores_size(), 5);
  EXPECT_EQ(report.scores(0).host(), "web05");
}

TEST_F(ReportTest, WhatEndedIsToldWithTheRowsThatWent) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22, 23}});
  Report(1, {.at = kFirst + 500, .ports = {22}});
  Touch(1, kSecond);
  EXPECT_THAT(Turned(Make(kFirst, kSecond)),
              ElementsAre("no-telnet 2>1 web01: -23x1"));
  EXPECT_THAT(Turned(Make(kFirst + 600, kSecond)), IsEmpty());
}

TEST_F(ReportTest, AControlThatFailsForMoreIsToldWithWhatCame) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {23}});
  Report(1, {.at = kFirst + 500, .ports = {23, 2323}, .program = "telnetd"});
  Report(1, {.at = kFirst + 900, .ports = {2323, 23}, .program = "telnetd"});
  Touch(1, kSecond);
  // Port 23 shows a program now, which is no violation more; 2323 is.
  const v1::Report report = Make(kFirst, kSecond);
  ASSERT_EQ(report.turns_size(), 1);
  EXPECT_EQ(report.turns(0).before(), v1::VERDICT_FAIL);
  EXPECT_EQ(report.turns(0).after(), v1::VERDICT_FAIL);
  // Other words about the same violation are no turn.
  Report(1, {.at = kSecond + 500, .ports = {23, 2323}, .program = "telnetd2"});
  Report(1, {.at = kSecond + 600, .ports = {23}, .program = "x"});
  Touch(1, kSecond + kDay);
  EXPECT_THAT(Turned(Make(kSecond, kSecond + kDay)), IsEmpty());
}

TEST_F(ReportTest, TellsWhatItCouldNotSeeBeforeAnythingElse) {
  ApplyBaseline();
  for (int host = 1; host <= 4; ++host) Join(host, kFirst - 1000);
  for (int host = 1; host <= 3; ++host)
    Report(host, {.at = kFirst - 500, .ports = {22}});
  Report(1, {.at = kFirst + 500, .ports = {}, .failed = "ports"});
  Report(2, {.at = kFirst + 500, .ports = {22}, .fetched = 1});
  Touch(1, kSecond);
  Touch(2, kSecond - 900);
  Touch(3, kSecond - 901);
  HostUpdate lost{.host = Id(1),
                  .stream = std::string(16, 's'),
                  .seq = ++seq_[1],
                  .now = kFirst + 700};
  v1::Loss& loss = lost.losses.emplace_back();
  loss.set_from(1);
  loss.set_to(7);
  loss.set_reason("spool full");
  loss.set_noticed(kFirst + 600);
  Commit(std::move(lost));
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_THAT(
      Blind(report),
      ElementsAre("silent  new web03", "new  " + Id(4), "lost  new web01",
                  "failed ports new web01", "stale  web02"));
  EXPECT_EQ(report.unseen(0).since(), kSecond - 901);
  EXPECT_EQ(EntryOf(report).unseen(), 4u) << "web01 counts once";
  EXPECT_EQ(report.unseen(2).records(), 7u);
  EXPECT_THAT(Turned(report),
              ElementsAre("no-telnet 1>3 web01:", "no-ftp 1>3 web01:"));
  // What was so before is told as that.
  Touch(1, kSecond + kDay);
  Touch(2, kSecond + kDay);
  EXPECT_THAT(Blind(Make(kSecond, kSecond + kDay)),
              ElementsAre("silent  web03", "new  " + Id(4),
                          "failed ports web01", "stale  web02"));
}

TEST_F(ReportTest, OneTimeIsToldOnlyOfHostsThatFellSilentTogether) {
  for (int host = 1; host <= 5; ++host) {
    Join(host, kFirst - 20 * kDay);
    Report(host, {.at = kFirst - 19 * kDay, .ports = {22}});
  }
  const int64_t day = (kFirst - 10 * kDay) / kDay * kDay;
  const int64_t hour = (kSecond - 7200) / 3600 * 3600;
  Touch(1, day + 5);
  Touch(2, day + 80000);
  Touch(3, day + kDay);
  Touch(4, hour + 10);
  Touch(5, hour + 3600);
  const v1::Report report = Make(kFirst, kSecond);
  std::vector<std::string> lines;
  for (const v1::ReportUnseen& unseen : report.unseen())
    lines.push_back(fmt::format("{} {} {}", unseen.fresh(),
                                unseen.since(), unseen.hosts().count()));
  EXPECT_THAT(lines,
              ElementsAre(fmt::format("true {} 1", hour + 10),
                          fmt::format("true {} 1", hour + 3600),
                          fmt::format("false {} 2", day + 5),
                          fmt::format("false {} 1", day + kDay)));
}

// The judge says so of controls; the report of what it rests on itself.
TEST_F(ReportTest, DamagedRowsOfAHostCostOthersNothing) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    Report(host, {.at = kFirst + 500,
                  .ports = {22, host == 1 ? 80u : 23u},
                  .gap = host == 1 ? "socket 7" : ""});
    Touch(host, kSecond);
  }
  store_.reset();
  const auto digest = [&](v1::Snapshot rows, const char* table) {
    return "x'" + Hex(MakeBody(table, CanonicalTable(
                                               rows, TableField(table)))
                               .digest) +
           "'";
  };
  v1::Snapshot ports, gaps;
  ports.add_ports()->set_port(22);
  ports.add_ports()->set_port(80);
  gaps.add_gaps()->set_table("ports");
  gaps.mutable_gaps(0)->set_subject("socket 7");
  gaps.mutable_gaps(0)->set_reason("denied");
  RunSql(folder_.path(), "UPDATE body SET zstd = x'28b52ffd' WHERE digest IN (" +
                             digest(ports, "ports") + ", " +
                             digest(gaps, "gaps") + ")");
  Open();
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_THAT(Blind(report), ElementsAre("damaged gaps new web01",
                                         "damaged ports new web01",
                                         "unasked  new web01",
                                         "unasked  new web01"));
  EXPECT_THAT(report.unseen(1).reason(), HasSubstr("restore it from a backup"));
  EXPECT_EQ(EntryOf(report).unseen(), 1u);
  EXPECT_THAT(Turned(report),
              ElementsAre("no-telnet 1>2 web02: +23x1", "no-telnet 1>3 web01:",
                          "no-ftp 1>3 web01:"));
  EXPECT_THAT(Changed(report), Contains(HasSubstr("port=23")));
}

TEST_F(ReportTest, ARuleThatCannotBeAskedIsTold) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .expires = kSecond + kDay});
  Report(1, {.at = kFirst + 500, .without = "accounts"});
  Join(2, kFirst - 1000);
  Report(2, {.at = kFirst + 500, .failed = "accounts"});
  for (int host = 1; host <= 2; ++host) Touch(host, kSecond);
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_THAT(Blind(report), ElementsAre("failed accounts new web02",
                                         "unasked  new web01"))
      << "of web02 it is known why";
  EXPECT_EQ(report.unseen(1).title().en(), "Accounts that expire");
  EXPECT_EQ(report.unseen(1).reason(), "accounts: not collected on this host");
  std::vector<std::string> lines;
  for (const ReportLine& line : ReportLines(report, Language::kEnglish))
    lines.push_back(line.text.raw());
  EXPECT_THAT(
      lines,
      Contains(AllOf(HasSubstr("not known: Accounts that expire (accounts"),
                     HasSubstr("1 host: web01"))));
  EXPECT_THAT(report.coming(), IsEmpty());
  for (int host = 1; host <= 2; ++host) Touch(host, kSecond + kDay);
  EXPECT_THAT(Blind(Make(kSecond, kSecond + kDay)),
              ElementsAre("failed accounts web02"))
      << "what stays so is posture's to show";
}

TEST_F(ReportTest, OnlyNewGapsAreTold) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500,
                  .ports = {22},
                  .gap = host == 1 ? "socket 7" : ""});
    Report(host, {.at = kFirst + 500, .ports = {22, 80}, .gap = "socket 7"});
    Touch(host, kSecond);
  }
  EXPECT_THAT(Blind(Make(kFirst, kSecond)), ElementsAre("gap ports new web02"));
}

TEST_F(ReportTest, OfVeryManyChangesTheCommonestAndTheRarestAreTold) {
  constexpr int kHosts = 121;
  for (int host = 1; host <= kHosts; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    // Each port on two hosts, but the last.
    Report(host, {.at = kFirst + 500,
                  .ports = {22, 80, static_cast<uint32_t>(1000 + host / 2)}});
  }
  const std::vector<std::string> changed = Changed(Make(kFirst, kSecond));
  ASSERT_EQ(changed.size(), 50u);
  EXPECT_EQ(changed.front(),
            "ports added protocol= address= port=80 interface= x121");
  EXPECT_EQ(changed.back(),
            "ports added protocol= address= port=1000 interface= x1");
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_EQ(report.changes(50).omitted(), 12u);
}

TEST_F(ReportTest, HostsThatCameAndWentAreTold) {
  ApplyBaseline();
  for (int host = 1; host <= 3; ++host)
    Join(host, host == 2 ? kFirst + 10 : kFirst - 1000);
  for (int host = 1; host <= 2; ++host)
    Report(host, {.at = kFirst + 500, .ports = {23}});
  Report(3, {.at = kFirst - 500, .ports = {22}});
  ASSERT_TRUE(store_->RemoveHost(Id(3), kFirst + 900).ok());
  for (int host = 1; host <= 2; ++host) Touch(host, kSecond);
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_THAT(report.joined().names(), ElementsAre("web01", "web02"))
      << "one was in the fleet, and had never reported";
  EXPECT_THAT(report.removed().names(), ElementsAre("web03"));
  EXPECT_EQ(report.joined_worst(), v1::SEVERITY_CRITICAL);
  EXPECT_EQ(Make(kSecond, kSecond + 100).joined_worst(),
            v1::SEVERITY_UNSPECIFIED)
      << "no host joined since";
  EXPECT_THAT(Turned(report), IsEmpty());
  EXPECT_EQ(report.after().hosts(), 2u);
}

TEST_F(ReportTest, WhatFailedOnAHostThatWasRemovedIsNotOpenAnyMore) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Join(2, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {23}});
  Report(2, {.at = kFirst - 500, .ports = {22}});
  Touch(2, kSecond + 10);
  ASSERT_TRUE(Night(kSecond + 600));
  ASSERT_TRUE(store_->RemoveHost(Id(1), kSecond + 900).ok());
  Touch(2, kSecond + kDay + 10);
  ASSERT_TRUE(Night(kSecond + kDay + 600));
  const auto open = [&](int64_t at) {
    int count = 0;
    EXPECT_TRUE(
        store_->VisitFindings(at, [&](const HostControl&) { ++count; }).ok());
    return count;
  };
  EXPECT_EQ(open(kSecond), 1);
  EXPECT_EQ(open(kSecond + kDay), 0);
}

TEST_F(ReportTest, CausesAreToldWithTheHostsTheyAreOf) {
  ApplyBaseline();
  for (int host = 1; host <= 3; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    if (host == 3) continue;
    v1::Event event;
    event.set_time(kFirst + 900);
    event.set_kind("login");
    event.set_service("sudo");
    event.set_account("root");
    event.set_actor("hanako");
    event.set_detail("/usr/sbin/inetd");
    event.set_source("user");
    Happens(host, event);
  }
  for (int host = 1; host <= 3; ++host) {
    Report(host, {.at = kFirst + 1000, .ports = {22, 23}});
    Touch(host, kSecond);
  }
  const v1::Report report = Make(kFirst, kSecond);
  ASSERT_EQ(report.changes_size(), 1);
  ASSERT_EQ(report.changes(0).causes_size(), 1);
  const v1::ReportCause& cause = report.changes(0).causes(0);
  EXPECT_EQ(cause.kind(), "program");
  EXPECT_EQ(cause.event().actor(), "hanako");
  EXPECT_EQ(cause.hosts(), 2u);
  EXPECT_EQ(report.changes(0).hosts().count(), 3u);
  ASSERT_EQ(report.turns(0).causes_size(), 1)
      << "it turned what reads the table";
}

TEST_F(ReportTest, HostsStandInTheOrderOfTheirNames) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    if (host == 1) Report(host, {.at = kFirst - 500, .ports = {22}});
    Report(host, {.at = kFirst + 500, .ports = {22}, .failed = "ports"});
    Touch(host, kSecond);
  }
  EXPECT_THAT(Blind(Make(kFirst, kSecond)),
              ElementsAre("failed ports new web01,web02"));
}

TEST_F(ReportTest, HostsThatAreComparedOverAnotherTimeAreApart) {
  for (int host = 1; host <= 3; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}, .name = "twin"});
  }
  const auto change =
      ReadFleetChange(*store_, {}, kFirst, kSecond, {{Id(2), kFirst - 100}});
  ASSERT_TRUE(change.ok()) << change.status();
  ASSERT_EQ(change->pairs.size(), 2u);
  EXPECT_EQ(change->pairs[0].from, kFirst);
  EXPECT_THAT(change->pairs[0].hosts, ElementsAre(0, 2));
  EXPECT_EQ(change->pairs[1].from, kFirst - 100);
}

TEST_F(ReportTest, AHostWithTheSameRowTwiceIsOneHost) {
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  Report(1, {.at = kFirst + 500, .ports = {22, 80, 80}});
  Touch(1, kSecond);
  EXPECT_THAT(
      Changed(Make(kFirst, kSecond)),
      ElementsAre("ports added protocol= address= port=80 interface= x1"));
}

TEST_F(ReportTest, NoiseIsCountedAndNotTold) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  Report(1, {.at = kFirst + 500, .ports = {22}, .fetched = 3});
  Touch(1, kSecond);
  const v1::Report report = Make(kFirst, kSecond);
  EXPECT_THAT(Changed(report), IsEmpty());
  ASSERT_EQ(report.noise_size(), 1);
  EXPECT_EQ(report.noise(0).changes(), 1u);
  EXPECT_EQ(report.noise(0).why().en(), "daily");
}

TEST_F(ReportTest, WhatWillEndIsToldInTheOrderOfItsTime) {
  ApplyBaseline();
  for (int host = 1; host <= 3; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500,
                  .ports = {22},
                  .expires = kSecond + (host == 3 ? 20 : 9 - 2 * host) * kDay});
    Touch(host, kSecond);
  }
  const v1::Report report = Make(kFirst, kSecond);
  ASSERT_EQ(report.coming_size(), 1);
  ASSERT_EQ(report.coming(0).rows_size(), 2);
  EXPECT_THAT(report.coming(0).rows(0).hosts().names(), ElementsAre("web02"));
  EXPECT_THAT(report.coming(0).hosts().names(), ElementsAre("web01", "web02"));
}

TEST_F(ReportTest, ANightHasOneReportWhoeverTries) {
  ApplyBaseline();
  Join(1, kFirst + 1000);
  Report(1, {.at = kFirst + 2000, .ports = {22}});
  Touch(1, kSecond + 500);
  EXPECT_FALSE(Night(kFirst + 5000)) << "there was no host yet that night";
  EXPECT_FALSE(Night(kSecond + 599)) << "hosts have until then to report";
  const auto night = Night(kSecond + 600);
  ASSERT_TRUE(night);
  EXPECT_EQ(night->day(), "2024-10-05");
  EXPECT_EQ(night->from(), kFirst);
  EXPECT_EQ(night->to(), kSecond);
  EXPECT_FALSE(Night(kSecond + 700));
  Open();
  EXPECT_FALSE(Night(kSecond + kDay + 599)) << "after a restart";
  EXPECT_FALSE(Night(kSecond - 5 * kDay)) << "the clock was put back";
  // Two at once.
  std::vector<std::future<bool>> tries;
  StandingRegisters registers(*store_);
  const auto judge = baseline_->judge();
  for (int i = 0; i < 4; ++i)
    tries.push_back(std::async(std::launch::async, [&] {
      const auto made = MakeDueReport({.store = *store_,
                                       .registers = registers,
                                       .judge = judge.get(),
                                       .interval = 300},
                                      {0, 0}, {}, kSecond + kDay + 600);
      EXPECT_TRUE(made.ok()) << made.status();
      return made.ok() && made->has_value();
    }));
  int kept = 0;
  for (auto& one : tries) kept += one.get();
  EXPECT_EQ(kept, 1);
  EXPECT_EQ(store_->Reports()->size(), 2u);
  EXPECT_EQ(store_->Reports()->at(0).from(), kSecond);
}

TEST_F(ReportTest, EachRecipientGetsTheReportOfItsHostsWithTheNight) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
  }
  EXPECT_TRUE(store_->SetLabels({Id(2), {"zone=tokyo"}, {}}, "op", 1).ok());
  Report(1, {.at = kSecond - 500, .ports = {22, 23}});
  Touch(2, kSecond);
  const auto rules = ReadDelivery("d", R"(
mail: {from: m@example.jp, server: "smtp://h"}
recipients:
- {name: all, mail: [b@example.jp, a@example.jp]}
- {name: tokyo, directory: /r, hosts: zone=tokyo}
- {name: too, directory: /s, hosts: zone=tokyo}
- {name: quiet, directory: /t, hosts: zone=tokyo, skip_quiet: true}
- {name: loud, directory: /u, skip_quiet: true}
- {name: nowhere, directory: /v, hosts: zone=mars}
- {name: wrong, directory: /w, hosts: "a==b"}
)");
  ASSERT_TRUE(rules.ok()) << rules.status();
  recipients_ = *rules;
  ASSERT_TRUE(Night(kSecond + 600));
  const std::string day = store_->Reports()->at(0).day();

  std::vector<std::string> who;
  const auto deliveries = store_->Deliveries(day);
  for (const v1::Delivery& delivery : *deliveries) {
    EXPECT_EQ(delivery.state(), "waiting");
    EXPECT_EQ(delivery.queued(), kSecond + 600);
    who.push_back(delivery.recipient() + delivery.address());
  }
  EXPECT_THAT(who, ElementsAre("alla@example.jp", "allb@example.jp", "loud",
                               "nowhere", "tokyo", "too", "wrong"));
  const auto of = [&](const std::string& selector) {
    v1::Report report;
    EXPECT_TRUE(report.ParseFromString(*store_->ReadReport(day, selector)));
    return report;
  };
  EXPECT_EQ(of("").after().hosts(), 2u);
  EXPECT_THAT(of("").turns(), testing::SizeIs(1));
  EXPECT_EQ(of("zone=tokyo").after().hosts(), 1u);
  EXPECT_TRUE(IsQuiet(of("zone=tokyo")));
  // "Nobody" is not "nothing changed".
  EXPECT_FALSE(IsQuiet(of("zone=mars")));
  EXPECT_THAT(PlainText(of("zone=mars"), Language::kEnglish),
              testing::HasSubstr("no host matches"));
  // What is kept stays as it was.
  Report(2, {.at = kSecond - 400, .ports = {22, 21}}, kSecond + 700);
  EXPECT_TRUE(IsQuiet(of("zone=tokyo")));
}

TEST_F(ReportTest, TheSameDataMakeTheSameBytes) {
  ApplyBaseline();
  for (int host = 1; host <= 9; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    Report(host, {.at = kFirst + 500 * host,
                  .ports = {22, host % 2 != 0 ? 23u : 21u},
                  .expires = kSecond + host * kDay});
    Touch(host, kSecond + 10);
  }
  ASSERT_TRUE(Night(kSecond + 600));
  const std::string kept = *store_->ReadReport("2024-10-05", "");
  // Made again, after a day on which much happened.
  for (int host = 1; host <= 9; ++host)
    Report(host, {.at = kSecond + 1000, .ports = {99}});
  Open();
  const auto again = MakeReport(
      Sources(),
      {.day = "2024-10-05", .hosts = {}, .from = kFirst, .to = kSecond});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ReportBytes(again->report), kept);
  EXPECT_GT(kept.size(), 500u);
}

TEST_F(ReportTest, AHostThatWasOnlyGivenLabelsHasNeverReported) {
  Join(1, kFirst - 1000);
  ASSERT_TRUE(store_
                  ->SetLabels({.host = Id(1), .set = {"role=web"}, .remove = {}},
                              "hanako", kFirst - 900)
                  .ok());
  EXPECT_THAT(Blind(Make(kFirst, kSecond)), ElementsAre("new  " + Id(1)));
}

// An agent that could not be reached tells later what its host looked like.
TEST_F(ReportTest, WhatComesLateIsToldTheNextNight) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
  }
  Touch(1, kSecond - 10);
  Touch(2, kFirst + 100);
  ASSERT_TRUE(Night(kSecond + 600));
  EXPECT_THAT(Blind(Kept("2024-10-05")), ElementsAre("silent  new web02"));
  Report(2, {.at = kFirst + 5000, .ports = {22, 23}}, kSecond + 5000);
  for (int host = 1; host <= 2; ++host) Touch(host, kSecond + kDay + 10);
  EXPECT_THAT(Blind(Make(kFirst, kSecond)), ElementsAre("silent  new web02"))
      << "it has come back since, but was silent then";
  ASSERT_TRUE(Night(kSecond + kDay + 600));
  EXPECT_THAT(Turned(Kept("2024-10-06")),
              ElementsAre("no-telnet 1>2 web02: +23x1"));
  ASSERT_TRUE(Night(kSecond + 2 * kDay + 600));
  EXPECT_THAT(Turned(Kept("2024-10-07")), IsEmpty()) << "told once";
}

TEST_F(ReportTest, AHostThatHadNotReportedYetJoinsTheNextNight) {
  ApplyBaseline();
  for (int host = 1; host <= 3; ++host) Join(host, kSecond - 1000);
  Report(1, {.at = kSecond - 900, .ports = {22}});
  Touch(1, kSecond + 10);
  ASSERT_TRUE(Night(kSecond + 600));
  Report(2, {.at = kSecond + 1000, .ports = {23}});
  // This one has looked before the night and could not say so.
  Report(3, {.at = kSecond - 500, .ports = {23}}, kSecond + 2000);
  for (int host = 1; host <= 3; ++host) Touch(host, kSecond + kDay + 10);
  ASSERT_TRUE(Night(kSecond + kDay + 600));
  const v1::Report report = Kept("2024-10-06");
  EXPECT_THAT(report.joined().names(), ElementsAre("web02", "web03"));
  EXPECT_THAT(Turned(report), IsEmpty());
}

TEST_F(ReportTest, WhatAHostWithASlowClockChangesIsTold) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    Touch(host, kSecond + 10);
  }
  ASSERT_TRUE(Night(kSecond + 600));
  // From the first such state on, and up to the last instant of the night.
  Report(1, {.at = kSecond - 3000, .ports = {23}}, kSecond + 4000);
  Report(1, {.at = kSecond - 2000, .ports = {23, 21}}, kSecond + 5000);
  Report(2, {.at = kSecond, .ports = {23}}, kSecond + 4000);
  for (int host = 1; host <= 2; ++host) Touch(host, kSecond + kDay + 10);
  ASSERT_TRUE(Night(kSecond + kDay + 600));
  EXPECT_THAT(Turned(Kept("2024-10-06")),
              ElementsAre("no-telnet 1>2 web01,web02: +23x2",
                          "no-ftp 1>2 web01: +21x1"));
  Report(1, {.at = kSecond + kDay - 500, .ports = {}}, kSecond + kDay + 700);
  EXPECT_THAT(QuestionUntil(*store_, kSecond + 2 * kDay)->behind,
              testing::SizeIs(1));
  EXPECT_THAT(QuestionUntil(*store_, kSecond + 100)->behind, IsEmpty())
      << "what came after the last night says nothing of earlier ones";
}

// What comes while a report is made belongs to the next.
TEST_F(ReportTest, WhatComesWhileAReportIsMadeIsNotLost) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  Touch(1, kSecond + 10);
  ASSERT_TRUE(store_->BeginReport(kSecond).ok());
  const auto behind = store_->Behind();
  ASSERT_TRUE(behind.ok());
  EXPECT_THAT(*behind, IsEmpty());
  Report(1, {.at = kSecond - 100, .ports = {23}}, kSecond + 605);
  v1::ReportEntry entry;
  entry.set_day("2024-10-05");
  entry.set_from(kFirst);
  entry.set_to(kSecond);
  ASSERT_TRUE(store_
                  ->PutReport({.entry = entry,
                               .bytes = "",
                               .opened = {},
                               .closed = {},
                               .behind = *behind})
                  .ok());
  Touch(1, kSecond + kDay + 10);
  ASSERT_TRUE(Night(kSecond + kDay + 600));
  EXPECT_THAT(Turned(Kept("2024-10-06")),
              ElementsAre("no-telnet 1>2 web01: +23x1"));
  EXPECT_THAT(*store_->Behind(), IsEmpty());
}

TEST_F(ReportTest, AColumnThatComesWithAnUpgradeChangesNoRow) {
  ApplyBaseline();
  for (const int host : {1, 2}) {
    Join(host, kFirst);
    Report(host, {.at = kFirst + 10, .ports = {22, 80}, .columns = 4});
  }
  Report(1, {.at = kFirst + 900,
             .ports = {22, 80},
             .program = "sshd",
             .columns = 9});
  Report(2, {.at = kFirst + 900,
             .ports = {22, 443},
             .program = "sshd",
             .columns = 9});
  const std::vector<std::string> told = {
      "ports added protocol= address= port=443 interface= x1",
      "ports removed protocol= address= port=80 interface= x1"};
  EXPECT_THAT(Changed(Make(kFirst + 100, kFirst + 1000)),
              testing::UnorderedElementsAreArray(told));
  // Back to the older agent.
  Report(1, {.at = kFirst + 1900, .ports = {22, 80}, .columns = 4});
  Report(2, {.at = kFirst + 1900, .ports = {22, 443}, .columns = 4});
  EXPECT_THAT(Changed(Make(kFirst + 1000, kFirst + 2000)), testing::IsEmpty());
}

TEST_F(ReportTest, LossesAreToldWhenTheyAreHeardOf) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  const auto lose = [&](uint64_t from, uint64_t to, int64_t now) {
    HostUpdate update{.host = Id(1),
                      .stream = std::string(16, 's'),
                      .seq = ++seq_[1],
                      .now = now};
    v1::Loss& loss = update.losses.emplace_back();
    loss.set_from(from);
    loss.set_to(to);
    loss.set_reason("full");
    loss.set_noticed(kFirst + 100);
    Commit(std::move(update));
    Touch(1, now);
  };
  Touch(1, kSecond - 10);
  lose(1, 3, kSecond + 1000);
  EXPECT_THAT(Blind(Make(kFirst, kSecond)), IsEmpty());
  EXPECT_EQ(Make(kSecond, kSecond + 1000).unseen(0).records(), 3u);
  EXPECT_THAT(Blind(Make(kSecond + 1000, kSecond + 1100)), IsEmpty()) << "once";
  // The same one goes on.
  Touch(1, kSecond + kDay - 10);
  lose(4, 9, kSecond + kDay + 1000);
  Touch(1, kSecond + 2 * kDay);
  EXPECT_EQ(Make(kSecond + kDay, kSecond + 2 * kDay).unseen_size(), 1);
}

TEST_F(ReportTest, AnotherTimeOfTheDayMakesNoSecondReportOfTheDay) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  ASSERT_TRUE(Night(kSecond + 600));
  const auto noon = MakeDueReport(Sources(), {12, 0}, {}, kSecond + 13 * 3600);
  ASSERT_TRUE(noon.ok());
  EXPECT_FALSE(noon->has_value());
  // None was begun: what a host tells of that day is not late.
  Report(1, {.at = kSecond + 3600, .ports = {22, 80}}, kSecond + 13 * 3600);
  EXPECT_THAT(*store_->Behind(), IsEmpty());
  EXPECT_TRUE(*MakeDueReport(Sources(), {12, 0}, {}, kSecond + 37 * 3600));
}

TEST_F(ReportTest, AClockThatWasWrongDoesNotEndTheNights) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  ASSERT_TRUE(Night(kSecond + 3650 * kDay + 600)) << "it was ten years ahead";
  EXPECT_TRUE(Night(kSecond + 600));
  EXPECT_FALSE(Night(kSecond + 700));
  EXPECT_TRUE(Night(kSecond + kDay + 600));
}

TEST_F(ReportTest, AnotherViolationInPlaceOfOneIsToldAndOtherWordsAreNot) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {23}});
  Report(1, {.at = kFirst + 500, .ports = {2323}, .program = "telnetd"});
  Report(1, {.at = kSecond + 500, .ports = {2323}, .program = "telnetd"});
  Touch(1, kSecond);
  EXPECT_THAT(Turned(Make(kFirst, kSecond)),
              ElementsAre("no-telnet 2>2 web01: +2323x1"));
  Report(1, {.at = kSecond + 900, .ports = {23}, .program = "a"});
  Report(1, {.at = kSecond + 990, .ports = {23}, .program = "b"});
  Touch(1, kSecond + kDay);
  EXPECT_THAT(Turned(Make(kSecond + 900, kSecond + kDay)), IsEmpty());
}

TEST_F(ReportTest, OfATableThatChangedTwiceNobodyIsNamedForBeingThere) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}});
  const auto sudo = [&](int64_t time, const std::string& who,
                        const std::string& program) {
    v1::Event event;
    event.set_time(time);
    event.set_kind("login");
    event.set_service("sudo");
    event.set_account("root");
    event.set_actor(who);
    event.set_detail(program);
    event.set_source("user");
    Happens(1, event);
  };
  sudo(kFirst + 950, "alice", "/usr/bin/vi");
  Report(1, {.at = kFirst + 1000, .ports = {22, 23}});
  Touch(1, kSecond);
  ASSERT_EQ(Make(kFirst, kSecond).changes(0).causes_size(), 1);
  sudo(kFirst + 7950, "bob", "/usr/bin/less");
  Report(1, {.at = kFirst + 8000, .ports = {22, 23, 21}});
  EXPECT_EQ(Make(kFirst, kSecond).changes(0).causes_size(), 0);
  sudo(kFirst + 8950, "carol", "/usr/sbin/inetd");
  Report(1, {.at = kFirst + 9000, .ports = {22, 23, 21, 20}});
  const v1::Report report = Make(kFirst, kSecond);
  ASSERT_EQ(report.changes(0).causes_size(), 1);
  EXPECT_EQ(report.changes(0).causes(0).event().actor(), "carol");
}

// "CONTROL SINCE OLDEST" of each open finding.
std::vector<std::string> Opens(const v1::Report& report) {
  std::vector<std::string> lines;
  for (const v1::ReportOpen& open : report.open())
    lines.push_back(fmt::format("{} {} {}", open.control(),
                                open.since() - kFirst, open.oldest()));
  return lines;
}

TEST_F(ReportTest, AFindingIsAsOldAsItsFirstFailure) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
  }
  Report(1, {.at = kFirst + 100, .ports = {22, 23}});
  Report(2, {.at = kFirst + 200, .ports = {22, 23, 21}});
  const auto night = [&](int number) {
    for (int host = 1; host <= 2; ++host)
      Touch(host, kFirst + number * kDay + 10);
    EXPECT_TRUE(Night(kFirst + number * kDay + 600));
    return Opens(Kept(LocalDay(kFirst + number * kDay)));
  };
  EXPECT_THAT(night(1), ElementsAre("no-telnet 100 web01", "no-ftp 200 web02"));
  // Rows that change do not make it younger.
  Report(1, {.at = kSecond + 100, .ports = {22, 23, 80}});
  EXPECT_THAT(night(2), ElementsAre("no-telnet 100 web01", "no-ftp 200 web02"));
  // What could not be looked at is neither open nor mended.
  Report(1, {.at = kSecond + kDay + 100, .ports = {}, .failed = "ports"});
  EXPECT_THAT(night(3), ElementsAre("no-telnet 200 web02", "no-ftp 200 web02"));
  Report(1, {.at = kSecond + 2 * kDay + 100, .ports = {23}});
  EXPECT_THAT(night(4), ElementsAre("no-telnet 100 web01", "no-ftp 200 web02"));
  // What was mended begins anew.
  Report(1, {.at = kSecond + 3 * kDay + 100, .ports = {22}});
  EXPECT_THAT(night(5), ElementsAre("no-telnet 200 web02", "no-ftp 200 web02"));
  Report(1, {.at = kSecond + 4 * kDay + 100, .ports = {23}});
  Report(2, {.at = kSecond + 4 * kDay + 100, .ports = {22}});
  EXPECT_THAT(night(6),
              ElementsAre(fmt::format("no-telnet {} web01", 5 * kDay + 100)));
}

TEST_F(ReportTest, WhatTimeAloneTurnsIsAsOldAsTheNight) {
  ApplyBaseline(R"(
controls:
- id: not-expired
  statements: [BZ-01]
  title: {en: Not expired, ja: 期限内}
  severity: low
  violations: SELECT name FROM accounts WHERE expires > 0 AND expires < now()
  flags: {accounts: [{name: a, expires: 1}]}
  clears: {accounts: [{name: a}]}
)");
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {22}, .expires = kSecond - 100});
  Touch(1, kSecond + 10);
  EXPECT_THAT(Opens(Make(kFirst, kSecond)),
              ElementsAre(fmt::format("not-expired {} web01", kDay)));
}

TEST_F(ReportTest, DecisionsAndWaiversThatEndAreTold) {
  ApplyBaseline();
  Join(1, kFirst - 1000);
  Report(1, {.at = kFirst - 500, .ports = {23}});
  Touch(1, kSecond);
  v1::Registers rows;
  v1::Waiver& waiver = *rows.add_waivers();
  waiver.set_id("w-1");
  waiver.set_control("no-telnet");
  waiver.set_host(Id(1));
  waiver.set_from(kFirst + 50);
  waiver.set_until(kSecond + 14 * kDay);
  const auto* field = v1::Registers::descriptor()->FindFieldByName("waivers");
  ASSERT_TRUE(
      store_
          ->PutRegisters({{MakeBody("waivers", CanonicalTable(rows, field))},
                          {},
                          "hanako",
                          kFirst + 50})
          .ok());
  const v1::Report report = Make(kFirst, kSecond);
  ASSERT_EQ(report.decisions_size(), 1);
  EXPECT_EQ(report.decisions(0).by(), "hanako");
  EXPECT_EQ(report.decisions(0).changes_size(), 1);
  ASSERT_EQ(report.waivers_ending_size(), 1);
  EXPECT_THAT(Opens(report), IsEmpty()) << "a waiver covers it";
  EXPECT_EQ(report.after().critical(), 0u);
  EXPECT_EQ(Make(kFirst - 100, kSecond - 1).waivers_ending_size(), 0);
  EXPECT_EQ(Make(kFirst - 100, kSecond - 1).waivers_ended_size(), 0);
  // Nothing changed but that its time is over.
  const int64_t end = kSecond + 14 * kDay;
  Touch(1, end + 100);
  const v1::Report over = Make(end - 100, end + 100);
  ASSERT_EQ(over.waivers_ended_size(), 1);
  EXPECT_THAT(Turned(over), ElementsAre("no-telnet 2>2 web01:"));
  EXPECT_EQ(over.turns(0).unwaived(), 1u);
  EXPECT_THAT(Opens(over), testing::SizeIs(1));
}

TEST_F(ReportTest, OfSomeHostsTheDecisionsThatConcernThemAreTold) {
  ApplyBaseline();
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {23}});
    Touch(host, kSecond);
  }
  EXPECT_TRUE(store_->SetLabels({Id(2), {"zone=tokyo"}, {}}, "op", 1).ok());
  v1::Registers rows;
  const auto add = [&](const char* id, const std::string& host,
                       const char* selector, int64_t until) {
    v1::Waiver& waiver = *rows.add_waivers();
    waiver.set_id(id);
    waiver.set_control("no-telnet");
    waiver.set_host(host);
    waiver.set_selector(selector);
    waiver.set_from(kFirst + 50);
    waiver.set_until(until);
  };
  const auto keep = [&](const char* name, int64_t now) {
    const auto* field = v1::Registers::descriptor()->FindFieldByName(name);
    ASSERT_TRUE(store_
                    ->PutRegisters({{MakeBody(name, CanonicalTable(rows, field))},
                                    {},
                                    "hanako",
                                    now})
                    .ok());
  };
  add("w-1", Id(1), "", kSecond + kDay);
  keep("waivers", kFirst + 50);
  add("w-2", Id(2), "", kSecond + kDay);
  add("w-3", "", "zone=tokyo", kSecond - 50);
  add("w-4", "", "zone=osaka", kSecond + kDay);
  keep("waivers", kFirst + 60);
  rows.add_admin_sources()->set_network("192.0.2.0/24");
  keep("admin_sources", kFirst + 70);
  const auto told = [&](const HostFilter& hosts) {
    const v1::Report report = Make(kFirst, kSecond, hosts);
    std::vector<std::string> lines;
    for (const v1::ReportDecision& decision : report.decisions())
      lines.push_back(
          fmt::format("{} {}", decision.what(), decision.changes_size()));
    for (const v1::Waiver& waiver : report.waivers_ending())
      lines.push_back("ending " + waiver.id());
    for (const v1::Waiver& waiver : report.waivers_ended())
      lines.push_back("ended " + waiver.id());
    return lines;
  };
  EXPECT_THAT(told({}),
              ElementsAre("waivers 1", "waivers 3", "admin_sources 1",
                          "ending w-1", "ending w-2", "ending w-4",
                          "ended w-3"));
  EXPECT_THAT(told({.selector = "zone=tokyo", .host = ""}),
              ElementsAre("waivers 2", "admin_sources 1", "ending w-2",
                          "ended w-3"));
  EXPECT_THAT(told({.selector = "", .host = "web01"}),
              ElementsAre("waivers 1", "admin_sources 1", "ending w-1"));
  EXPECT_THAT(told({.selector = "zone=mars", .host = ""}),
              ElementsAre("admin_sources 1"));
}

TEST_F(ReportTest, OfSomeHostsOrWithoutABaseline) {
  for (int host = 1; host <= 2; ++host) {
    Join(host, kFirst - 1000);
    Report(host, {.at = kFirst - 500, .ports = {22}});
    Report(host, {.at = kFirst + 500, .ports = {23}});
    Touch(host, kSecond);
  }
  EXPECT_EQ(Make(kFirst, kSecond).before().score(), -1);
  EXPECT_THAT(Turned(Make(kFirst, kSecond)), IsEmpty());
  EXPECT_THAT(Changed(Make(kFirst, kSecond)), testing::SizeIs(2));
  ApplyBaseline();
  const v1::Report one =
      Make(kFirst, kSecond, {.selector = "", .host = "web02"});
  EXPECT_THAT(Turned(one), ElementsAre("no-telnet 1>2 web02: +23x1"));
  EXPECT_TRUE(absl::IsNotFound(
      MakeReport(Sources(), {.hosts = {.selector = "", .host = "web9"},
                             .from = kFirst,
                             .to = kSecond})
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeReport(Sources(), {.hosts = {}, .from = kSecond, .to = kSecond})
          .status()));
}

}  // namespace
}  // namespace metsuke
