// From a baseline's text and a host's rows to verdicts.

#include "controller/judge/judge.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <thread>

#include "controller/judge/sight.h"
#include "controller/judge/views.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using testing::HasSubstr;

constexpr int64_t kNow = 1767268800;  // 2026-01-01T12:00:00Z

// A control with everything it must have; `change` replaces what follows a
// key, or adds a key.
std::string Control(std::map<std::string, std::string> change = {}) {
  std::map<std::string, std::string> keys = {
      {"id", "no-telnet"},
      {"statements", "[MT-01]"},
      {"title", "{en: No telnet, ja: telnet なし}"},
      {"severity", "high"},
      {"violations", "SELECT address, port FROM ports WHERE port = 23"},
      {"flags", "{ports: [{protocol: tcp, port: 23}]}"},
      {"clears", "{ports: [{protocol: tcp, port: 22}]}"}};
  for (auto& [key, value] : change) keys[key] = value;
  std::string yaml;
  for (const char* key : {"id", "statements", "title", "severity", "applies",
                          "violations", "flags", "clears"})
    if (keys.contains(key) && keys[key] != "-")
      yaml += std::string(yaml.empty() ? "- " : "  ") + key + ": " + keys[key] +
              "\n";
  return yaml;
}

v1::BaselineFile File(const std::string& name, const std::string& controls) {
  v1::BaselineFile file;
  file.set_name(name);
  file.set_yaml("controls:\n" + controls);
  return file;
}

std::string Refusal(std::map<std::string, std::string> change) {
  return Message(
      LoadBaseline({File("my.yaml", Control(std::move(change)))}).status());
}

CompiledBaseline Loaded(const std::string& controls) {
  auto baseline = LoadBaseline({File("my.yaml", controls)});
  EXPECT_TRUE(baseline.ok()) << baseline.status();
  return baseline.ok() ? *std::move(baseline) : CompiledBaseline();
}

TEST(LoadBaseline, TakesWhatIsSound) {
  const CompiledBaseline baseline = Loaded(Control());
  ASSERT_EQ(baseline.controls.size(), 1u);
  EXPECT_EQ(baseline.version.size(), 64u);
  EXPECT_EQ(baseline.controls[0].Reads(),
            (Reads{{"ports", {"address", "port"}}}));
  EXPECT_EQ(baseline.ToMessage().controls(0).id(), "no-telnet");
  EXPECT_NE(baseline.Find("no-telnet"), nullptr);
  EXPECT_EQ(baseline.Find("telnet"), nullptr);
}

TEST(LoadBaseline, ErrorsNameThePlaceTheControlAndTheReason) {
  EXPECT_EQ(Refusal({{"violations", "SELECT prot FROM ports"}}),
            "my.yaml:6:15: control no-telnet: violations: no such column: "
            "prot; did you mean port?");
  EXPECT_EQ(Refusal({{"applies", "SELECT 1 FROM prots"}}),
            "my.yaml:6:12: control no-telnet: applies: no such table: prots; "
            "did you mean ports?");
  EXPECT_EQ(
      Refusal({{"violations", "DELETE FROM ports"}}),
      "my.yaml:6:15: control no-telnet: violations: only SELECT is allowed");
  EXPECT_EQ(Refusal({{"violations", "SELECT 1, 1 FROM ports"}}),
            "my.yaml:6:15: control no-telnet: violations: two columns are "
            "called 1; name one by AS");
  EXPECT_EQ(Refusal({{"clears", "{prots: []}"}}),
            "my.yaml:8:12: Example has no key \"prots\"; did you mean ports?");
}

TEST(LoadBaseline, EveryKeyThatMustBeThereIsAskedFor) {
  for (const char* key : {"id", "statements", "title", "severity", "violations",
                          "flags", "clears"})
    EXPECT_THAT(Refusal({{key, "-"}}), testing::ContainsRegex(key)) << key;
  EXPECT_THAT(Refusal({{"title", "{en: x}"}}), HasSubstr("no Japanese"));
  EXPECT_THAT(Refusal({{"title", "{ja: x}"}}), HasSubstr("no English"));
  for (const char* id :
       {"Telnet", "no_telnet", "-x", "x-", "a--b", "\"a b\"", "目付"})
    EXPECT_THAT(Refusal({{"id", id}}), HasSubstr("lower-case words")) << id;
  for (const char* statement :
       {"MT-66", "BZ-61", "MT-00", "XX-01", "MT-1", "MT-001", "mt-01"})
    EXPECT_THAT(Refusal({{"statements", "[" + std::string(statement) + "]"}}),
                HasSubstr("is no statement"))
        << statement;
  EXPECT_EQ(Refusal({{"statements", "[MT-65, BZ-60]"}}), "");
  EXPECT_THAT(Refusal({{"statements", "[MT-01, MT-01]"}}),
              HasSubstr("listed twice"));
}

// 'TCP' in the query is a slip: the value is 'tcp'. Without an example the
// control would pass on every host, for ever.
TEST(LoadBaseline, AControlThatCanNeverFailIsRefused) {
  EXPECT_EQ(Refusal({{"violations",
                      "SELECT port FROM ports WHERE protocol = 'TCP'"}}),
            "my.yaml:7:10: control no-telnet: does not flag its own example "
            "under flags");
}

TEST(LoadBaseline, AControlThatCanNeverPassIsRefused) {
  EXPECT_EQ(Refusal({{"violations", "SELECT max(port) FROM ports"}}),
            "my.yaml:8:11: control no-telnet: flags the example under clears");
}

TEST(LoadBaseline, ExamplesMustBeOnesTheControlAppliesTo) {
  EXPECT_EQ(Refusal({{"applies", "SELECT 1 FROM ports WHERE port = 23"}}),
            "my.yaml:9:11: control no-telnet: `applies` does not apply to the "
            "example under clears");
  EXPECT_EQ(Refusal({{"applies", "SELECT 1 FROM ports WHERE port = 22"}}),
            "my.yaml:8:10: control no-telnet: `applies` does not apply to the "
            "example under flags");
}

TEST(LoadBaseline, ARunawayQueryIsRefusedByName) {
  EXPECT_THAT(
      Refusal({{"violations",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                "n) SELECT count(*) FROM n"}}),
      HasSubstr("control no-telnet: on the example under flags: violations: "
                "the query was stopped: it takes more than 1000000 steps"));
}

TEST(LoadBaseline, AFunctionThatFailsIsRefused) {
  EXPECT_THAT(Refusal({{"violations",
                        "SELECT 1 FROM ports WHERE in_cidr(address, 'x')"}}),
              HasSubstr("the address is not one"));
}

TEST(LoadBaseline, AllThatIsWrongIsToldAtOnce) {
  const auto baseline = LoadBaseline(
      {File("a.yaml", Control({{"violations", "SELECT x"}, {"severity", "-"}}) +
                          Control({{"id", "b"}})),
       File("b.yaml", "- idd: x\n"), File("c.yaml", Control({{"id", "b"}}))});
  EXPECT_EQ(Message(baseline.status()),
            "b.yaml:2:3: Control has no key \"idd\"; did you mean id?\n"
            "a.yaml:2:3: control no-telnet: severity is missing: low, medium, "
            "high or critical\n"
            "a.yaml:5:15: control no-telnet: violations: no such column: x\n"
            "c.yaml:2:7: control b: the id was already used at a.yaml:8:7");
}

TEST(LoadBaseline, AnEmptyBaselineIsRefused) {
  EXPECT_EQ(Message(LoadBaseline({}).status()), "the baseline has no controls");
  EXPECT_EQ(Message(LoadBaseline({File("a.yaml", "  []")}).status()),
            "the baseline has no controls");
}

TEST(LoadBaseline, VersionIsThatOfTheContent) {
  const std::string one = Control(), two = Control({{"id", "two"}});
  const std::string version = Loaded(one + two).version;
  EXPECT_EQ(Loaded("# a comment\n" + one + two).version, version);
  EXPECT_EQ(LoadBaseline({File("x", one), File("y", two)})->version, version);
  EXPECT_NE(Loaded(two + one).version, version);
  EXPECT_NE(Loaded(one + Control({{"id", "two"}, {"severity", "low"}})).version,
            version);
}

TEST(LoadBaseline, ExamplesHaveATimeOfTheirOwn) {
  EXPECT_EQ(
      Refusal({{"violations",
                "SELECT name FROM accounts WHERE days_since(last_login) > 90"},
               {"flags", "{accounts: [{name: a, last_login: 2025-09-01}]}"},
               {"clears", "{accounts: [{name: a, last_login: 2025-12-01}]}"}}),
      "");
}

// The fleet's bodies, and how often each was asked for.
class Bodies {
 public:
  TableDigests Add(const char* text) {
    v1::Snapshot snapshot;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &snapshot))
        << text;
    TableDigests digests;
    const auto* type = v1::Snapshot::descriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const std::string bytes = CanonicalTable(snapshot, type->field(i));
      digests[type->field(i)->name()] = Sha256(bytes);
      bodies_[Sha256(bytes)] = bytes;
    }
    return digests;
  }
  BodySource Source() {
    return [this](const std::string& digest) -> absl::StatusOr<std::string> {
      ++reads;
      const auto body = bodies_.find(digest);
      if (body == bodies_.end())
        return absl::DataLossError("the body is damaged");
      return body->second;
    };
  }
  void Lose(const std::string& digest) { bodies_.erase(digest); }
  std::atomic<int> reads = 0;

 private:
  std::map<std::string, std::string> bodies_;
};

// Verdict and reason of the first control on a host of these rows.
std::string Verdict(const std::string& controls, const char* host) {
  Bodies bodies;
  Judge judge(Loaded(controls), bodies.Source());
  const auto state = judge.State(bodies.Add(host), kNow);
  if (!state.ok()) return Message(state.status());
  const Judgement& judgement = *(*state)->judgements[0];
  return v1::Verdict_Name(judgement.verdict).substr(8) +
         (judgement.reason.empty() ? "" : " " + enc::Tty(judgement.reason));
}

constexpr const char* kPorts =
    R"pb(collections { table: "ports" status: "ok" })pb";

TEST(Evaluate, RowsAreViolations) {
  EXPECT_EQ(Verdict(Control(), R"pb(collections { table: "ports" status: "ok" }
                                    ports { port: 23 })pb"),
            "FAIL");
}

TEST(Evaluate, NoRowsIsAPassWhenSomebodyLooked) {
  EXPECT_EQ(Verdict(Control(), kPorts), "PASS");
}

TEST(Evaluate, NoRowsIsUnknownWhenNobodyLooked) {
  EXPECT_EQ(Verdict(Control(), ""),
            "UNKNOWN ports: not collected on this host");
}

TEST(Evaluate, NoRowsIsUnknownWhenTheCollectorFailed) {
  EXPECT_EQ(Verdict(Control(), R"pb(collections {
                                      table: "ports"
                                      status: "unavailable"
                                      message: "sock_diag: \033[1m"
                                    })pb"),
            "UNKNOWN ports: sock_diag: \\x1b[1m");
  EXPECT_EQ(
      Verdict(Control(),
              R"pb(collections { table: "ports" status: "unavailable" })pb"),
      "UNKNOWN ports: unavailable");
}

// What a failed collector left is no proof: "nothing of X is there" would
// be one without X having been looked for.
TEST(Evaluate, RowsOfAFailedCollectorProveNothing) {
  const std::string must_have =
      Control({{"violations",
                "SELECT 'no sshd' AS why WHERE NOT EXISTS (SELECT 1 FROM ports "
                "WHERE port = 22)"}});
  EXPECT_EQ(Verdict(must_have, R"pb(collections {
                                      table: "ports"
                                      status: "internal"
                                      message: "x"
                                    })pb"),
            "UNKNOWN ports: x");
  EXPECT_EQ(Verdict(must_have, kPorts), "FAIL");
}

TEST(Evaluate, AnAbsentTableIsEmptyAndThatIsTrue) {
  EXPECT_EQ(Verdict(Control(), R"pb(collections {
                                      table: "ports"
                                      status: "absent"
                                      message: "no network"
                                    })pb"),
            "PASS");
}

TEST(Evaluate, AGapTakesThePassAndNotTheFail) {
  constexpr const char* kGap = R"pb(
    collections { table: "ports" status: "ok" }
    gaps { table: "ports" subject: "netns 7" reason: "permission denied" }
    gaps { table: "ports" subject: "netns 8" reason: "permission denied" }
    gaps { table: "groups" subject: "a" reason: "b" })pb";
  EXPECT_EQ(Verdict(Control(), kGap),
            "UNKNOWN ports: netns 7: permission denied (and 1 more)");
  EXPECT_EQ(
      Verdict(Control(), (std::string(kGap) + "ports { port: 23 }").c_str()),
      "FAIL");
  EXPECT_EQ(Verdict(Control(), (std::string(kPorts) + R"pb(gaps {
                                                             table: "groups"
                                                             subject: "a"
                                                             reason: "b"
                                                           })pb")
                                   .c_str()),
            "PASS");
}

// The control decides by the port and shows the program.
TEST(Evaluate, AGapOfColumnsConcernsThoseWhoDecideByThem) {
  constexpr const char* kGap = R"pb(
    collections { table: "ports" status: "ok" }
    gaps {
      table: "ports"
      subject: "tcp [::]:2049"
      reason: "nobody holds it"
      columns: [ "program", "unit" ]
    })pb";
  EXPECT_EQ(
      Verdict(Control({{"violations",
                        "SELECT port, program FROM ports WHERE port = 23"}}),
              kGap),
      "PASS");
  const std::string by_program = Control(
      {{"violations", "SELECT port FROM ports WHERE program = 'telnetd'"},
       {"flags", "{ports: [{program: telnetd}]}"}});
  EXPECT_EQ(Verdict(by_program, kGap),
            "UNKNOWN ports: tcp [::]:2049: nobody holds it");
  EXPECT_EQ(Verdict(by_program,
                    (std::string(kGap) + "ports { program: 'telnetd' }").c_str()),
            "FAIL");
}

// An agent that knows the columns of ports up to `interface`.
TEST(Evaluate, AColumnThatAnOlderAgentDoesNotKnowIsUnknown) {
  constexpr const char* kOlder =
      R"pb(collections { table: "ports" status: "ok" columns: 4 })pb";
  const std::string by_program = Control(
      {{"violations", "SELECT port FROM ports WHERE program = 'telnetd'"},
       {"flags", "{ports: [{program: telnetd}]}"}});
  EXPECT_EQ(Verdict(by_program, kOlder),
            "UNKNOWN ports: its agent: it is older than this column; upgrade "
            "metsuke-agent");
  EXPECT_EQ(Verdict(Control(), kOlder), "PASS") << "it asks for the port alone";
  // What is empty in every row neither fails a host nor lets a control apply.
  const std::string row = std::string(kOlder) + "ports { port: 1 }";
  EXPECT_THAT(
      Verdict(Control({{"violations",
                        "SELECT port FROM ports WHERE program = ''"},
                       {"flags", "{ports: [{port: 1}]}"},
                       {"clears", "{ports: [{program: a}]}"}}),
              row.c_str()),
      ::testing::StartsWith("UNKNOWN ports: its agent"));
  EXPECT_THAT(
      Verdict(Control({{"applies", "SELECT 1 FROM ports WHERE program = ''"}}),
              row.c_str()),
      ::testing::StartsWith("UNKNOWN ports: its agent"));
  EXPECT_EQ(Verdict(Control(), (std::string(kOlder) + "ports { port: 23 }").c_str()),
            "FAIL");
  EXPECT_EQ(
      Verdict(by_program,
              R"pb(collections { table: "ports" status: "ok" columns: 9 })pb"),
      "PASS");
}

const std::string& OnlyWithSshd() {
  static const std::string control =
      Control({{"applies", "SELECT 1 FROM sshd_options"},
               {"flags", "{sshd_options: [{keyword: a}], ports: [{port: 23}]}"},
               {"clears", "{sshd_options: [{keyword: a}]}"}});
  return control;
}

TEST(Evaluate, NotApplicableWhenSomebodyLookedAndFoundNothing) {
  EXPECT_EQ(Verdict(OnlyWithSshd(), R"pb(collections {
                                           table: "sshd_options"
                                           status: "absent"
                                           message: "sshd is not installed"
                                         })pb"),
            "NOT_APPLICABLE sshd_options: sshd is not installed");
  EXPECT_EQ(
      Verdict(OnlyWithSshd(),
              R"pb(collections { table: "sshd_options" status: "ok" })pb"),
      "NOT_APPLICABLE the host has nothing it speaks of");
}

TEST(Evaluate, NotApplicableNeedsSight) {
  EXPECT_EQ(Verdict(OnlyWithSshd(), kPorts),
            "UNKNOWN sshd_options: not collected on this host");
  EXPECT_EQ(Verdict(OnlyWithSshd(), R"pb(
              collections { table: "sshd_options" status: "ok" }
              gaps {
                table: "sshd_options"
                subject: "/etc/ssh"
                reason: "too large"
              })pb"),
            "UNKNOWN sshd_options: /etc/ssh: too large");
}

TEST(Evaluate, BothQueriesMustHaveBeenAbleToSee) {
  EXPECT_EQ(Verdict(OnlyWithSshd(),
                    R"pb(collections { table: "sshd_options" status: "ok" }
                         sshd_options { keyword: "a" })pb"),
            "UNKNOWN ports: not collected on this host");
}

TEST(Evaluate, AQueryThatFailsOnAHostIsUnknown) {
  EXPECT_EQ(
      Verdict(
          Control({{"violations",
                    "SELECT port FROM ports WHERE NOT is_loopback(address)"},
                   {"flags", "{ports: [{address: 192.0.2.1}]}"},
                   {"clears", "{ports: [{address: '::1'}]}"}}),
          R"pb(collections { table: "ports" status: "ok" }
               ports { address: "x" })pb"),
      "UNKNOWN violations: is_loopback(): the address is not one");
}

TEST(Evaluate, ControlsMayAskHowCollectorsFared) {
  const std::string control = Control(
      {{"violations",
        "SELECT \"table\", status FROM collections WHERE status = 'internal'"},
       {"flags", "{collections: [{table: ports, status: internal}]}"},
       {"clears", "{collections: [{table: ports, status: ok}]}"}});
  EXPECT_EQ(Verdict(control,
                    R"pb(collections { table: "ports" status: "internal" })pb"),
            "FAIL");
  EXPECT_EQ(Verdict(control, kPorts), "PASS");
}

TEST(Judge, EvidenceIsTheRows) {
  Bodies bodies;
  Judge judge(Loaded(Control()), bodies.Source());
  const auto state =
      judge.State(bodies.Add(R"pb(collections { table: "ports" status: "ok" }
                                  ports { port: 23 address: "::" })pb"),
                  kNow);
  const v1::RowSet rows = ToRowSet((*state)->judgements[0]->evidence);
  ASSERT_EQ(rows.columns_size(), 2);
  EXPECT_EQ(rows.columns(1), "port");
  EXPECT_EQ(rows.rows(0).cells(0).text(), "::");
  EXPECT_EQ(rows.rows(0).cells(1).integer(), 23);
}

TEST(Judge, EqualTablesAreJudgedOnce) {
  Bodies bodies;
  Judge judge(
      Loaded(Control() + OnlyWithSshd().substr(0, 2) + "id: other\n" +
             OnlyWithSshd().substr(OnlyWithSshd().find("  statements"))),
      bodies.Source());
  const char* kHost = R"pb(
    collections { table: "ports" status: "ok" }
    collections { table: "sshd_options" status: "ok" })pb";
  ASSERT_TRUE(judge.State(bodies.Add(kHost), kNow).ok());
  EXPECT_EQ(judge.evaluations(), 2u);
  // Another group is in no control's way.
  const auto other = judge.State(
      bodies.Add((std::string(kHost) + R"pb(groups { name: "x" })pb").c_str()),
      kNow);
  EXPECT_EQ(judge.evaluations(), 2u);
  EXPECT_EQ((*other)->judgements[0]->verdict, v1::VERDICT_PASS);
  // Nor is how another table was collected, nor a gap in it.
  ASSERT_TRUE(
      judge
          .State(bodies.Add((std::string(kHost) + R"pb(
                              collections { table: "groups" status: "ok" }
                              gaps { table: "groups" subject: "x" })pb")
                                .c_str()),
                 kNow)
          .ok());
  EXPECT_EQ(judge.evaluations(), 2u);
  // Another day is not, for nobody asked the time; a table that is read is.
  ASSERT_TRUE(judge.State(bodies.Add(kHost), kNow + 86400).ok());
  EXPECT_EQ(judge.evaluations(), 2u);
  const auto fails = judge.State(
      bodies.Add((std::string(kHost) + "ports { port: 23 }").c_str()), kNow);
  EXPECT_EQ(judge.evaluations(), 4u);
  EXPECT_EQ((*fails)->judgements[0]->verdict, v1::VERDICT_FAIL);
  const int reads = bodies.reads;
  ASSERT_TRUE(judge.State(bodies.Add(kHost), kNow).ok());
  EXPECT_EQ(bodies.reads, reads);
}

TEST(Judge, HostsThatDifferInColumnsNobodyReadsAreJudgedOnce) {
  Bodies bodies;
  Judge judge(Loaded(Control()), bodies.Source());
  const auto verdict = [&](const std::string& ports) {
    const auto state = judge.State(
        bodies.Add((std::string(kPorts) + ports).c_str()), kNow);
    return (*state)->judgements[0]->verdict;
  };
  EXPECT_EQ(verdict("ports { port: 22 program: 'a' }"), v1::VERDICT_PASS);
  EXPECT_EQ(verdict("ports { port: 22 program: 'b' }"), v1::VERDICT_PASS);
  EXPECT_EQ(judge.evaluations(), 1u);
  // What is read differs; so does the number of rows, and what belongs to
  // which of them.
  EXPECT_EQ(verdict("ports { port: 23 program: 'a' }"), v1::VERDICT_FAIL);
  EXPECT_EQ(verdict("ports { port: 22 } ports { port: 22 }"), v1::VERDICT_PASS);
  EXPECT_EQ(verdict("ports { port: 2 address: '1' } ports { port: 1 }"),
            v1::VERDICT_PASS);
  EXPECT_EQ(verdict("ports { port: 1 address: '1' } ports { port: 2 }"),
            v1::VERDICT_PASS);
  EXPECT_EQ(judge.evaluations(), 5u);
}

TEST(Judge, WhatAControlShowsCountsWhereItFails) {
  Bodies bodies;
  Judge judge(
      Loaded(Control({{"violations",
                       "SELECT program, port FROM ports WHERE port = 23"}})),
      bodies.Source());
  const auto shown = [&](const std::string& ports) {
    const auto state = judge.State(
        bodies.Add((std::string(kPorts) + ports).c_str()), kNow);
    return ToRowSet((*state)->judgements[0]->evidence).ShortDebugString();
  };
  EXPECT_EQ(shown("ports { port: 22 program: 'a' }"), "");
  EXPECT_EQ(shown("ports { port: 22 program: 'b' }"), "");
  EXPECT_EQ(judge.evaluations(), 1u);
  EXPECT_THAT(shown("ports { port: 23 program: 'a' }"), HasSubstr("\"a\""));
  EXPECT_THAT(shown("ports { port: 23 program: 'b' }"), HasSubstr("\"b\""));
  EXPECT_EQ(judge.evaluations(), 3u);
}

TEST(Judge, HowATableWasCollectedIsPartOfTheQuestion) {
  Bodies bodies;
  Judge judge(Loaded(Control()), bodies.Source());
  const auto verdict = [&](const char* host) {
    return (*judge.State(bodies.Add(host), kNow))->judgements[0]->verdict;
  };
  EXPECT_EQ(verdict(kPorts), v1::VERDICT_PASS);
  EXPECT_EQ(verdict(R"pb(collections { table: "ports" status: "internal" })pb"),
            v1::VERDICT_UNKNOWN);
  EXPECT_EQ(verdict(R"pb(collections { table: "ports" status: "ok" }
                         gaps { table: "ports" })pb"),
            v1::VERDICT_UNKNOWN);
  EXPECT_EQ(verdict(kPorts), v1::VERDICT_PASS);
}

TEST(Sight, ATableNobodyCollectedIsNotTakenForOneWithTheSameGap) {
  v1::Snapshot with_row, without;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(collections { table: "ports" status: "ok" }
           gaps { table: "ports" subject: "a" })pb",
      &with_row));
  *without.mutable_gaps() = with_row.gaps();
  EXPECT_FALSE(Sight(with_row, TableDigests()).Unseen("ports"));
  EXPECT_TRUE(Sight(without, TableDigests()).Unseen("ports"));
  EXPECT_NE(Sight(with_row, TableDigests()).Digest("ports", {}),
            Sight(without, TableDigests()).Digest("ports", {}));
}

TEST(Sight, OfTablesTheControllerFillsNoHostHasAWord) {
  v1::Snapshot claims;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(collections { table: "ssh_endpoints_outside" status: "ok" }
           gaps { table: "ssh_endpoints_outside" reason: "do not look" })pb",
      &claims));
  EXPECT_FALSE(Sight(claims, TableDigests()).Gap("ssh_endpoints_outside", {}));
  EXPECT_EQ(
      Sight(claims, TableDigests()).Unseen("ssh_endpoints_outside")->raw(),
      "ssh_endpoints_outside: the controller has not knocked at this host "
      "lately; metsukectl ssh probe makes it");
  const TableDigests seen = {{"ssh_endpoints_outside", "digest"}};
  EXPECT_FALSE(Sight({}, seen).Unseen("ssh_endpoints_outside"));
  EXPECT_NE(Sight({}, seen).Digest("ssh_endpoints_outside", {}),
            Sight({}, TableDigests()).Digest("ssh_endpoints_outside", {}));
  // The controller has.
  v1::Snapshot own;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(gaps_outside {
             table: "ssh_endpoints_outside"
             subject: "*:22"
             reason: "none of the host's addresses is known"
           })pb",
      &own));
  EXPECT_EQ(Sight(own, seen).Gap("ssh_endpoints_outside", {})->raw(),
            "ssh_endpoints_outside: *:22: none of the host's addresses is "
            "known");
  EXPECT_NE(Sight(own, seen).Digest("ssh_endpoints_outside", {}),
            Sight({}, seen).Digest("ssh_endpoints_outside", {}));
}

TEST(Views, AreNotTakenForBodies) {
  Views views;
  views.Add({"ports", {"port"}});
  v1::Snapshot snapshot;
  snapshot.add_ports()->set_port(22);
  const std::string body = CanonicalTable(snapshot, TableField("ports"));
  // A host chooses its bodies, but not what their digests begin with.
  const std::string small = views.Digests("ports", Sha256(body), body).at(0);
  const std::string odd =
      views.Digests("ports", Sha256("\xff"), "\xff").at(0);
  EXPECT_EQ(odd, Sha256("\xff"));
  EXPECT_EQ(small.size(), odd.size() + 1);
}

TEST(Judge, AVerdictThatAsksTheTimeIsGoodForADay) {
  Bodies bodies;
  Judge judge(
      Loaded(Control(
          {{"violations",
            "SELECT name FROM accounts WHERE days_since(last_login) > 90"},
           {"flags", "{accounts: [{last_login: 0}]}"},
           {"clears", "{accounts: [{last_login: 2026-01-01}]}"}})),
      bodies.Source());
  const TableDigests host =
      bodies.Add(R"pb(collections { table: "accounts" status: "ok" }
                      accounts { last_login: 1759449600 })pb");
  const auto verdict = [&](int64_t now) {
    return (*judge.State(host, now))->judgements[0]->verdict;
  };
  // 2025-10-03 and 90 days are 2026-01-01.
  EXPECT_EQ(verdict(1767225600), v1::VERDICT_PASS);
  EXPECT_EQ(verdict(1767225600 + 86399), v1::VERDICT_PASS);
  EXPECT_EQ(judge.evaluations(), 1u);
  EXPECT_EQ(verdict(1767225600 + 86400), v1::VERDICT_FAIL);
  EXPECT_EQ(judge.evaluations(), 2u);
}

TEST(Judge, ABodyThatCannotBeHadIsUnknownAndAskedForAgain) {
  Bodies bodies;
  Judge judge(Loaded(Control()), bodies.Source());
  const char* kHost = R"pb(collections { table: "ports" status: "ok" }
                           ports { port: 22 })pb";
  const TableDigests host = bodies.Add(kHost);
  bodies.Lose(host.at("ports"));
  const auto lost = judge.State(host, kNow);
  EXPECT_EQ((*lost)->judgements[0]->verdict, v1::VERDICT_UNKNOWN);
  EXPECT_EQ((*lost)->judgements[0]->reason.raw(), "ports: the body is damaged");
  bodies.Add(kHost);
  EXPECT_EQ((*judge.State(host, kNow))->judgements[0]->verdict,
            v1::VERDICT_PASS);
  bodies.Lose(host.at("collections"));
  Judge blind(Loaded(Control()), bodies.Source());
  EXPECT_EQ((*blind.State(host, kNow))->judgements[0]->reason.raw(),
            "collections: the body is damaged");
  TableDigests without = host;
  without.erase("ports");
  bodies.Add(kHost);
  EXPECT_EQ((*blind.State(without, kNow))->judgements[0]->reason.raw(),
            "ports: the host sent no rows of it");
}

TEST(Judge, ManyThreadsGetTheSameAnswers) {
  Bodies bodies;
  Judge judge(Loaded(Control()), bodies.Source());
  std::vector<TableDigests> hosts;
  for (int i = 0; i < 50; ++i)
    hosts.push_back(bodies.Add(
        ("collections { table: 'ports' status: 'ok' } ports { port: " +
         std::to_string(i) + " }")
            .c_str()));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        wrong += ((*judge.State(hosts[i], kNow))->judgements[0]->verdict ==
                  v1::VERDICT_FAIL) != (i == 23);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Memo, ThrowsOutWhatWasNotUsed) {
  Memo<int> memo(3000);
  for (int i = 0; i < 4; ++i) {
    memo.Put(std::to_string(i), std::make_shared<int>(i), 700);
    EXPECT_NE(memo.Find("0"), nullptr);
  }
  EXPECT_EQ(memo.Find("1"), nullptr);
  EXPECT_EQ(*memo.Find("3"), 3);
}

TEST(Score, UnknownIsNotPassed) {
  std::string controls;
  int i = 0;
  for (const char* severity : {"critical", "high", "medium", "low", "low"})
    controls +=
        Control({{"id", "c" + std::to_string(i++)}, {"severity", severity}});
  const CompiledBaseline baseline = Loaded(controls);
  const auto count = [&](std::vector<v1::Verdict> verdicts) {
    return Count(baseline, verdicts, {});
  };
  const Score mixed =
      count({v1::VERDICT_PASS, v1::VERDICT_UNKNOWN, v1::VERDICT_FAIL,
             v1::VERDICT_FAIL, v1::VERDICT_NOT_APPLICABLE});
  EXPECT_DOUBLE_EQ(mixed.score, 100.0 * 10 / 18);
  EXPECT_DOUBLE_EQ(mixed.coverage, 75);
  EXPECT_EQ(mixed.top, 2);
  EXPECT_EQ(mixed.worst, v1::SEVERITY_MEDIUM);
  EXPECT_EQ(mixed.pass + 10 * mixed.fail + 100 * mixed.unknown +
                1000 * mixed.not_applicable,
            1121u);
  EXPECT_EQ(count({v1::VERDICT_PASS, v1::VERDICT_PASS, v1::VERDICT_PASS,
                   v1::VERDICT_FAIL, v1::VERDICT_FAIL})
                .top,
            3);
  const Score none =
      count(std::vector<v1::Verdict>(5, v1::VERDICT_NOT_APPLICABLE));
  EXPECT_EQ(none.score, -1);
  EXPECT_EQ(none.coverage, 0);
  const Score blind = count(std::vector<v1::Verdict>(5, v1::VERDICT_UNKNOWN));
  EXPECT_EQ(blind.score, 0);
  EXPECT_EQ(blind.coverage, 0);
  v1::HostPosture posture;
  SetScore(baseline, mixed, posture);
  EXPECT_EQ(posture.top_finding(), "c2");
  EXPECT_EQ(posture.top_title().en(), "No telnet");
  EXPECT_EQ(posture.top_title().ja(), "telnet なし");
  EXPECT_EQ(posture.fail(), 2u);
}

}  // namespace
}  // namespace metsuke
