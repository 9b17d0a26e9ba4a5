// Exports of findings, read back by others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/export/junit.h"
#include "controller/export/ocsf.h"
#include "controller/export/xccdf.h"
#include "proto/encode.h"
#include "tests/unit/exported.h"

namespace metsuke {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int64_t kNow = 1795420800;  // 2026-11-23T08:00:00Z
constexpr char kId[] = "22a74bc8-08a9-4f77-b117-6986549ab64d";

// What a host may say of itself: markup, the end of CDATA, terminal escapes,
// C0 and C1 controls, bidi overrides, characters that XML has not, newlines,
// and bytes that are no UTF-8.
const std::string kHostile =
    "<b a='\"'>&amp;]]><!-- \x1b[2J\x07\x01 \xc2\x9b"
    "31m \xe2\x80\xae "
    "\xef\xbf\xbe\xef\xbf\xbf a\nb\r\tc \xff\xc3 {{x}} \\";

v1::Finding Made(const std::string& control, v1::Verdict verdict,
                 v1::Severity severity) {
  v1::Finding finding;
  finding.set_control(control);
  finding.add_statements("MT-60");
  finding.set_severity(severity);
  finding.set_verdict(verdict);
  finding.mutable_title()->set_en("The title of " + control);
  finding.mutable_title()->set_ja(control + " の表題");
  return finding;
}

void AddRow(v1::Finding& finding, const std::string& text) {
  v1::RowSet& rows = *finding.mutable_evidence();
  if (rows.columns_size() == 0) {
    rows.add_columns("port");
    rows.add_columns("program");
  }
  v1::Row& row = *rows.add_rows();
  row.add_cells()->set_integer(23);
  row.add_cells()->set_text(text);
}

// One finding of each kind, on a host that says `text` wherever it can.
HostFindings Host(const std::string& name, const std::string& text) {
  HostFindings host;
  host.host.set_id(kId);
  host.host.set_os_name(text);
  host.host.add_labels("zone=" + text);
  host.host.set_address("192.0.2.7");
  host.posture.set_host(name);
  host.posture.set_score(60);
  host.posture.set_score_without_waivers(50.5);
  host.posture.set_coverage(75);
  host.posture.set_last_seen(kNow - 10);
  host.findings.push_back(
      Made("passes", v1::VERDICT_PASS, v1::SEVERITY_CRITICAL));
  v1::Finding fails = Made("fails", v1::VERDICT_FAIL, v1::SEVERITY_HIGH);
  AddRow(fails, text);
  AddRow(fails, "another");
  fails.mutable_evidence()->set_omitted(7);
  host.findings.push_back(fails);
  v1::Finding unknown =
      Made("unknown", v1::VERDICT_UNKNOWN, v1::SEVERITY_MEDIUM);
  unknown.set_reason("ports: " + text);
  host.findings.push_back(unknown);
  v1::Finding other =
      Made("other", v1::VERDICT_NOT_APPLICABLE, v1::SEVERITY_LOW);
  other.set_reason("it does not speak of this host");
  host.findings.push_back(other);
  v1::Finding waived = Made("waived", v1::VERDICT_FAIL, v1::SEVERITY_LOW);
  AddRow(waived, text);
  waived.set_waiver("w-1");
  waived.set_waived_until(kNow + 86400);
  waived.set_waiver_approver("鈴木 " + text);
  waived.set_waiver_reason("moves in March " + text);
  host.findings.push_back(waived);
  return host;
}

v1::ExportHead Head() {
  v1::ExportHead head;
  head.set_at(kNow);
  head.set_baseline(std::string(64, 'a'));
  return head;
}

v1::BaselineReply Baseline(const std::string& text) {
  v1::BaselineReply reply;
  reply.set_version(Head().baseline());
  reply.set_applied(kNow - 1000);
  reply.set_by("hanako");
  for (const v1::Finding& finding : Host("", "").findings) {
    v1::Control& control = *reply.mutable_baseline()->add_controls();
    control.set_id(finding.control());
    control.set_severity(finding.severity());
    *control.mutable_statements() = finding.statements();
    *control.mutable_title() = finding.title();
    control.mutable_why()->set_en("Why: " + text);
    control.mutable_fix()->set_ja("対処");
  }
  return reply;
}

std::string Junit(const std::vector<HostFindings>& hosts) {
  std::string text = JunitBegin();
  for (const HostFindings& host : hosts)
    text += JunitHost(host, Head(), Language::kEnglish);
  return text + JunitEnd();
}

std::string Xccdf(const std::vector<HostFindings>& hosts,
                  const std::string& text = "") {
  std::string made = XccdfBegin(Baseline(text));
  for (const HostFindings& host : hosts) made += XccdfHost(host, Head());
  return made + XccdfEnd();
}

// It warns that there is no platform, and of nothing else.
constexpr char kOscap[] =
    "said=$(oscap xccdf validate $1 2>&1); code=$?; echo \"$said\"; "
    "[ $code = 0 ] || exit $code; "
    "[ $(echo \"$said\" | grep -cE 'Warning|Error') = 1 ] && "
    "echo \"$said\" | grep -q 'no platform specified'";

TEST(Junit, EachVerdictHasAnOutcomeAndOnlyWhatPassesIsPassed) {
  auto suites = Exported("junit", Junit({Host("web01.example", "text")}));
  ASSERT_EQ(suites.size(), 1u);
  EXPECT_EQ(suites[0]["host"], "web01.example");
  EXPECT_EQ(suites[0]["properties"]["score_without_waivers"], "50.5");
  EXPECT_EQ(suites[0]["properties"]["id"], kId);
  auto& cases = suites[0]["cases"];
  ASSERT_EQ(cases.size(), 5u);
  for (const auto& [name, one] : cases.items())
    EXPECT_EQ(one["classname"], "web01.example") << name;
  EXPECT_EQ(cases["passes: The title of passes"]["outcome"], "passed");
  auto& fails = cases["fails: The title of fails"];
  EXPECT_EQ(fails["outcome"], "failure");
  EXPECT_EQ(fails["message"], "MT-60: 9 violations, severity high");
  EXPECT_EQ(fails["text"],
            "port=23 program=text\nport=23 program=another\n"
            "… and 7 more that were not kept");
  auto& unknown = cases["unknown: The title of unknown"];
  EXPECT_EQ(unknown["outcome"], "error");
  EXPECT_EQ(unknown["message"], "ports: text");
  EXPECT_EQ(cases["other: The title of other"]["outcome"], "skipped");
  auto& waived = cases["waived: The title of waived"];
  EXPECT_EQ(waived["outcome"], "skipped");
  EXPECT_EQ(waived["message"],
            "waived until 2026-11-24T08:00:00Z, approved by 鈴木 text (w-1): "
            "moves in March text");
}

TEST(Junit, AStaleHostIsAnErrorWhateverItSaidThen) {
  HostFindings host = Host("web01", "text");
  host.findings.resize(1);
  host.posture.set_stale(true);
  auto cases = Exported("junit", Junit({host}))[0]["cases"];
  EXPECT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases["metsuke: the host reports"]["outcome"], "error");
  EXPECT_EQ(cases["metsuke: the host reports"]["message"],
            "last heard of at 2026-11-23T07:59:50Z");
}

TEST(Junit, WithoutAScoreThereIsNone) {
  HostFindings host = Host("web01", "text");
  host.posture.set_score(-1);
  EXPECT_FALSE(
      Exported("junit", Junit({host}))[0]["properties"].contains("score"));
  EXPECT_THAT(Exported("junit", Junit({})), IsEmpty());
}

TEST(Junit, TitlesAreInTheLanguageThatWasAskedFor) {
  EXPECT_THAT(JunitHost(Host("web01", ""), Head(), Language::kJapanese),
              HasSubstr("passes: passes の表題"));
}

TEST(Junit, WhatAHostSaysIsInert) {
  auto suites =
      Exported("junit", Junit({Host(kHostile, kHostile), Host("web02", "")}));
  ASSERT_EQ(suites.size(), 2u);
  EXPECT_THAT(std::string(suites[0]["host"]),
              testing::StartsWith("<b a='\"'>&amp;]]><!-- \\x1b[2J\\x07\\x01"));
  ASSERT_EQ(suites[0]["cases"].size(), 5u);
  EXPECT_EQ(suites[0]["cases"]["fails: The title of fails"]["text"],
            "port=23 program=" + enc::Tty(HostText(kHostile)) +
                "\nport=23 program=another\n… and 7 more that were not kept");
}

TEST(Xccdf, IsWhatOpenscapTakesForValid) {
  EXPECT_EQ(Judged("openscap-scanner", kOscap, Xccdf({Host("web01", "text")})),
            "");
  EXPECT_EQ(Judged("openscap-scanner", kOscap, Xccdf({})), "");
  // It would say so.
  std::string broken = Xccdf({Host("web01", "text")});
  broken.replace(broken.find("<result>unknown"), 15, "<result>perhaps");
  EXPECT_NE(Judged("openscap-scanner", kOscap, broken), "");
}

TEST(Xccdf, EachVerdictHasAResultAndAWaiverIsNoPass) {
  auto read = Exported("xccdf", Xccdf({Host("web01", "text")}));
  EXPECT_EQ(read["rules"], 5);
  EXPECT_THAT(read["languages"], testing::ElementsAre("en", "ja"));
  ASSERT_EQ(read["hosts"].size(), 1u);
  auto& host = read["hosts"][0];
  EXPECT_EQ(host["host"], "web01");
  EXPECT_EQ(host["facts"]["urn:xccdf:fact:asset:identifier:guid"], kId);
  auto& results = host["results"];
  EXPECT_EQ(results["passes"]["result"], "pass");
  EXPECT_EQ(results["fails"]["result"], "fail");
  EXPECT_EQ(results["fails"]["messages"][0], "port=23 program=text");
  EXPECT_EQ(results["unknown"]["result"], "unknown");
  EXPECT_EQ(results["unknown"]["messages"][0], "ports: text");
  EXPECT_EQ(results["other"]["result"], "notapplicable");
  EXPECT_EQ(results["waived"]["result"], "informational");
  EXPECT_EQ(results["waived"]["role"], "unscored");
  EXPECT_EQ(results["waived"]["messages"][0],
            "fail, waived until 2026-11-24T08:00:00Z, approved by 鈴木 text "
            "(w-1): moves in March text");
  // Critical passed of critical, high and medium; the waived one is in neither.
  EXPECT_EQ(host["scores"]["urn:xccdf:scoring:flat"],
            nlohmann::json({10.0, 17.0}));
  EXPECT_EQ(host["scores"]["urn:metsuke:scoring:score"],
            nlohmann::json({60.0, 100.0}));
}

TEST(Xccdf, AHostWithoutAScoreHasNoneOfOurs) {
  HostFindings host = Host("web01", "text");
  host.posture.set_score(-1);
  host.posture.set_stale(true);
  host.findings.clear();
  const std::string text = Xccdf({host});
  auto read = Exported("xccdf", text)["hosts"][0];
  EXPECT_EQ(read["scores"].size(), 1u);
  EXPECT_THAT(std::string(read["remark"]), HasSubstr("2026-11-23T07:59:50Z"));
  EXPECT_EQ(Judged("openscap-scanner", kOscap, text), "");
}

TEST(Xccdf, WhatAHostSaysIsInert) {
  const std::string text = Xccdf({Host(kHostile, kHostile)}, kHostile);
  auto host = Exported("xccdf", text)["hosts"][0];
  EXPECT_EQ(host["results"].size(), 5u);
  EXPECT_EQ(host["results"]["fails"]["messages"][0],
            "port=23 program=" + enc::Tty(HostText(kHostile)));
  EXPECT_EQ(Judged("openscap-scanner", kOscap, text), "");
}

TEST(Ocsf, OfASilentHostSaysThatItIsSo) {
  const auto details = [](bool stale) {
    HostFindings host = Host("web01", "text");
    host.posture.set_stale(stale);
    auto events =
        Exported("ocsf", OcsfHost(host, Head(), Language::kEnglish));
    int silent = 0;
    for (const auto& event : events)
      silent += event.dump().find("the host is silent") != std::string::npos;
    return silent;
  };
  EXPECT_EQ(details(true), 5);
  EXPECT_EQ(details(false), 0);
}

TEST(Ocsf, IsAnEventForEachControlWhateverItsVerdict) {
  auto events = Exported(
      "ocsf", OcsfHost(Host("web01", "text"), Head(), Language::kEnglish));
  ASSERT_EQ(events.size(), 5u);
  std::vector<std::string> told;
  for (const auto& event : events)
    told.push_back(
        std::string(event["compliance"]["status"]) + "," +
        std::string(event["severity"]) + "," +
        (event.contains("status") ? std::string(event["status"]) : "-"));
  EXPECT_THAT(told, testing::ElementsAre("Pass,Informational,-",
                                         "Fail,High,New", "Warning,Medium,New",
                                         "Not Applicable,Informational,-",
                                         "Fail,Low,Suppressed"));
  EXPECT_EQ(events[1]["time"], kNow * 1000);
  EXPECT_EQ(events[1]["finding_info"]["uid"], std::string(kId) + "/fails");
  EXPECT_EQ(events[1]["compliance"]["requirements"][0], "MT-60");
  EXPECT_EQ(events[1]["evidences"][0]["data"]["port"], 23);
  EXPECT_EQ(events[1]["resources"][0]["ip"], "192.0.2.7");
  EXPECT_EQ(events[2]["compliance"]["status_details"][0], "ports: text");
  EXPECT_THAT(std::string(events[4]["compliance"]["status_details"][0]),
              HasSubstr("waived until 2026-11-24"));
}

TEST(Ocsf, WhatAHostSaysIsInert) {
  const std::string lines =
      OcsfHost(Host(kHostile, kHostile), Head(), Language::kJapanese);
  auto events = Exported("ocsf", lines);
  ASSERT_EQ(events.size(), 5u);
  const std::string program = events[1]["evidences"][0]["data"]["program"];
  EXPECT_THAT(program, testing::StartsWith("<b a='\"'>&amp;]]><!-- \x1b[2J"));
  EXPECT_THAT(program, HasSubstr("a\nb\r\tc \xef\xbf\xbd"));
  EXPECT_EQ(events[0]["finding_info"]["title"], "passes の表題");
  EXPECT_THAT(lines, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace metsuke
