// Registers beside the tables of a host, and waivers laid over verdicts.

#include "controller/judge/waivers.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "controller/judge/query.h"
#include "controller/known_tables.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNow = 1767268800;  // 2026-01-01T12:00:00Z

constexpr char kControls[] = R"(
controls:
- id: known-source
  statements: [MT-01]
  title: {en: From known sources, ja: 既知の接続元}
  severity: critical
  violations: >-
    SELECT account FROM login_sources WHERE NOT EXISTS (
      SELECT 1 FROM admin_sources WHERE in_cidr("from", network))
  flags: {admin_sources: [{network: 192.0.2.0/24}], login_sources: [{account: a, from: 203.0.113.1}]}
  clears: {admin_sources: [{network: 192.0.2.0/24}], login_sources: [{account: a, from: 192.0.2.1}]}
- id: no-telnet
  statements: [MT-01]
  title: {en: No telnet, ja: telnet なし}
  severity: high
  violations: SELECT port FROM ports WHERE port = 23
  flags: {ports: [{port: 23}]}
  clears: {ports: [{port: 22}]}
- id: has-owner
  statements: [MT-01]
  title: {en: Has an owner, ja: 責任者がいる}
  severity: low
  violations: SELECT 1 AS missing WHERE NOT EXISTS (SELECT 1 FROM labels WHERE key = 'owner')
  flags: {labels: [{key: role, value: web}]}
  clears: {labels: [{key: owner, value: hanako}]}
)";

CompiledBaseline Load(const std::string& yaml) {
  v1::BaselineFile file;
  file.set_name("my.yaml");
  file.set_yaml(yaml);
  auto baseline = LoadBaseline({file});
  EXPECT_TRUE(baseline.ok()) << baseline.status();
  return baseline.ok() ? *std::move(baseline) : CompiledBaseline();
}

class RegisterJudgeTest : public testing::Test {
 protected:
  RegisterJudgeTest()
      : judge_(
            Load(kControls),
            [this](const std::string& digest) -> absl::StatusOr<std::string> {
              return bodies_.at(digest);
            }) {}

  // Digests of the tables in `text`, of type Message.
  template <typename Tables>
  TableDigests Add(const std::string& text,
                   const std::set<std::string>& names) {
    Tables tables;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &tables))
        << text;
    TableDigests digests;
    for (const std::string& name : names) {
      const std::string bytes =
          CanonicalTable(tables, Tables::descriptor()->FindFieldByName(name));
      digests[name] = Sha256(bytes);
      bodies_[Sha256(bytes)] = bytes;
    }
    return digests;
  }
  TableDigests Host(const std::string& text) {
    return Add<v1::Snapshot>(
        R"pb(collections { table: "ports" status: "ok" })pb" + text,
        {"collections", "gaps", "ports", "login_sources", "labels"});
  }
  TableDigests Kept(const std::string& text) {
    return Add<v1::Registers>(text, {"admin_sources"});
  }

  // How the control came out.
  std::string Verdict(int control, const TableDigests& host,
                      const TableDigests& registers) {
    const auto state = judge_.State({host, registers}, kNow);
    EXPECT_TRUE(state.ok()) << state.status();
    const Judgement& judgement = *(*state)->judgements[control];
    return v1::Verdict_Name(judgement.verdict).substr(8) +
           (judgement.reason.empty() ? "" : " " + enc::Tty(judgement.reason));
  }

  std::map<std::string, std::string> bodies_;
  Judge judge_;
};

constexpr char kLogin[] =
    R"pb(login_sources { account: "a" from: "192.0.2.1" })pb";

TEST_F(RegisterJudgeTest, WhatNobodyKeptIsUnknownAndWhatIsEmptyIsEmpty) {
  EXPECT_EQ(Verdict(0, Host(kLogin), {}),
            "UNKNOWN admin_sources: nobody has kept this register; metsukectl "
            "register apply does");
  EXPECT_EQ(Verdict(0, Host(kLogin), Kept("")), "FAIL");
  EXPECT_EQ(Verdict(0, Host(""), Kept("")), "PASS");
  EXPECT_EQ(Verdict(0, Host(kLogin),
                    Kept(R"pb(admin_sources { network: "192.0.2.0/24" })pb")),
            "PASS");
}

TEST_F(RegisterJudgeTest, OnlyWhatReadsARegisterIsJudgedAgain) {
  const TableDigests host = Host(kLogin);
  Verdict(0, host, Kept(""));
  EXPECT_EQ(judge_.evaluations(), 3u);
  Verdict(0, host, Kept(R"pb(admin_sources { network: "192.0.2.0/24" })pb"));
  EXPECT_EQ(judge_.evaluations(), 4u);
  // What it is said to be is read by nobody.
  Verdict(
      0, host,
      Kept(R"pb(admin_sources { network: "192.0.2.0/24" about: "office" })pb"));
  EXPECT_EQ(judge_.evaluations(), 4u);
  TableDigests waived = Add<v1::Registers>(R"pb(waivers { id: "x" })pb",
                                           {"admin_sources", "waivers"});
  Verdict(0, host, waived);
  EXPECT_EQ(judge_.evaluations(), 4u) << "it was judged so before";
}

TEST_F(RegisterJudgeTest, AHostHasNoWordAboutRegisters) {
  EXPECT_EQ(
      Verdict(
          0, Host(R"pb(collections { table: "admin_sources" status: "internal" }
                       gaps { table: "admin_sources" subject: "x" }
                       gaps { table: "labels" subject: "x" })pb"),
          Kept("")),
      "PASS");
}

TEST_F(RegisterJudgeTest, AHostSeesItsLabels) {
  EXPECT_EQ(Verdict(2, Host(""), {}), "FAIL");
  EXPECT_EQ(
      Verdict(2, Host(R"pb(labels { key: "owner" value: "花子" })pb"), {}),
      "PASS");
}

TEST_F(RegisterJudgeTest, AQueryReadsRegistersAndTellsWhatIsMissing) {
  auto query = FleetQuery::Compile("SELECT network FROM admin_sources", "");
  ASSERT_TRUE(query.ok()) << query.status();
  const auto ask = [&](const TableDigests& kept) {
    StateHosts state{Host(""), {HostText(std::string("web"))}};
    state.tables.insert(kept.begin(), kept.end());
    int rows = 0;
    const auto shortfall = query->Run(
        {state}, [&](const std::string& digest) { return bodies_.at(digest); },
        kNow,
        [&](const Row&) {
          ++rows;
          return absl::OkStatus();
        });
    EXPECT_TRUE(shortfall.ok()) << shortfall.status();
    return std::pair(rows, shortfall->incomplete_hosts);
  };
  EXPECT_EQ(ask(Kept(R"pb(admin_sources { network: "192.0.2.1" })pb")),
            std::pair(1, uint64_t{0}));
  EXPECT_EQ(ask({}), std::pair(0, uint64_t{1}));
  EXPECT_FALSE(FleetQuery::Compile("SELECT * FROM hosts", "").ok())
      << "hosts are kept as labels";
}

TEST(RegisterExamples, HaveNoTableThatQueriesDoNotKnow) {
  v1::BaselineFile file;
  file.set_name("my.yaml");
  std::string yaml = kControls;
  yaml.replace(yaml.find("{ports: [{port: 23}]}"), 21,
               "{hosts: [{host: x}], ports: [{port: 23}]}");
  file.set_yaml(yaml);
  EXPECT_THAT(
      Message(LoadBaseline({file}).status()),
      HasSubstr("queries do not know hosts; on a host they find labels"));
}

class WaiversTest : public RegisterJudgeTest {
 protected:
  // Fails the first and the second control, and the third is passed or failed.
  std::shared_ptr<const JudgedState> State(const TableDigests& registers) {
    const TableDigests host = Host(
        R"pb(ports { port: 23 }
             login_sources { account: "a" from: "203.0.113.1" })pb");
    return *judge_.State({host, registers}, kNow);
  }
  static v1::Registers Rows(const std::string& text) {
    v1::Registers rows;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rows));
    return rows;
  }
  // The waivers that cover something, as "CONTROL:ID".
  std::vector<std::string> Covered(const std::string& rows,
                                   const std::vector<std::string>& labels,
                                   int64_t now = kNow) {
    const Waivers waivers(Rows(rows), judge_.baseline(), now);
    std::vector<std::string> covered;
    for (const auto& [control, waiver] :
         waivers.Cover(*State(Kept("")), labels, "id-of-web"))
      covered.push_back(std::to_string(control) + ":" + waiver->id());
    return covered;
  }
};

std::string WaiverOf(const std::string& control, const std::string& where,
                     int64_t from = kNow, int64_t until = kNow + 10) {
  return fmt::format(
      "waivers {{ id: \"w{}\" control: \"{}\" {} from: {} until: {} }}", until,
      control, where, from, until);
}

constexpr char kWebs[] = "selector: \"role=web\"";

TEST_F(WaiversTest, CoverFromTheirBeginningToBeforeTheirEnd) {
  const std::string rows = WaiverOf("no-telnet", kWebs, kNow, kNow + 10);
  const std::vector<std::string> web = {"role=web"};
  EXPECT_THAT(Covered(rows, web, kNow - 1), IsEmpty());
  EXPECT_EQ(Covered(rows, web, kNow).size(), 1u);
  EXPECT_EQ(Covered(rows, web, kNow + 9).size(), 1u);
  EXPECT_THAT(Covered(rows, web, kNow + 10), IsEmpty());
}

TEST_F(WaiversTest, CoverHostsByLabelsOrById) {
  EXPECT_THAT(Covered(WaiverOf("no-telnet", kWebs), {"role=db"}), IsEmpty());
  EXPECT_THAT(Covered(WaiverOf("no-telnet", kWebs), {}), IsEmpty());
  EXPECT_EQ(Covered(WaiverOf("no-telnet", "host: \"id-of-web\""), {}).size(),
            1u);
  EXPECT_THAT(Covered(WaiverOf("no-telnet", "host: \"another\""), {}),
              IsEmpty());
  for (const char* nowhere : {"", "selector: \",\"", "selector: \"a b\""})
    EXPECT_THAT(Covered(WaiverOf("no-telnet", nowhere), {"role=web"}),
                IsEmpty())
        << nowhere;
  EXPECT_THAT(Covered(WaiverOf("no-such-control", kWebs), {"role=web"}),
              IsEmpty());
}

TEST_F(WaiversTest, TheOneThatEndsLastIsTold) {
  const std::string rows =
      WaiverOf("no-telnet", kWebs, kNow, kNow + 20) +
      WaiverOf("no-telnet", "host: \"id-of-web\"", kNow, kNow + 30) +
      WaiverOf("no-telnet", kWebs, kNow, kNow + 10);
  EXPECT_THAT(Covered(rows, {"role=web"}),
              ElementsAre(fmt::format("1:w{}", kNow + 30)));
}

TEST_F(WaiversTest, CoverWhatFailedAndNeverWhatIsUnknown) {
  const Waivers waivers(
      Rows(WaiverOf("known-source", kWebs) + WaiverOf("no-telnet", kWebs)),
      judge_.baseline(), kNow);
  const auto failed = State(Kept(""));
  const auto blind = State({});
  ASSERT_EQ(blind->judgements[0]->verdict, v1::VERDICT_UNKNOWN);
  EXPECT_EQ(waivers.Cover(*failed, {"role=web"}, "").size(), 2u);
  const Waived covered = waivers.Cover(*blind, {"role=web"}, "");
  EXPECT_EQ(covered.size(), 1u);
  EXPECT_FALSE(covered.contains(0));
}

TEST_F(WaiversTest, CountAsPassedInOneScoreAndNotInTheOther) {
  const Waivers waivers(Rows(WaiverOf("known-source", kWebs)),
                        judge_.baseline(), kNow);
  const auto state = State(Kept(""));
  const Score score = CountWaived(judge_.baseline(), *state,
                                  waivers.Cover(*state, {"role=web"}, ""));
  // 10 waived, 5 and 1 failed.
  EXPECT_DOUBLE_EQ(score.score, 100.0 * 10 / 16);
  EXPECT_DOUBLE_EQ(score.without_waivers, 0);
  EXPECT_EQ(score.fail, 3u);
  EXPECT_EQ(score.waived, 1u);
  EXPECT_EQ(score.top, 1) << "the worst that is not waived";
  EXPECT_EQ(score.worst, v1::SEVERITY_HIGH);
  EXPECT_DOUBLE_EQ(score.coverage, 100);
  const Score bare = CountWaived(judge_.baseline(), *state, {});
  EXPECT_DOUBLE_EQ(bare.score, bare.without_waivers);
  EXPECT_EQ(bare.top, 0);
}

}  // namespace
}  // namespace metsuke
