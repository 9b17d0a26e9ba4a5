// The fleet in numbers, read back by others.

#include "controller/export/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/encode.h"
#include "tests/unit/exported.h"

namespace metsuke {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kPromtool[] = "promtool check metrics <$1";

HostMetrics Host(const std::string& name) {
  HostMetrics host;
  host.reported = true;
  host.failed[v1::SEVERITY_HIGH] = 2;
  host.posture.set_host(name);
  host.posture.set_score(81.25);
  host.posture.set_score_without_waivers(80);
  host.posture.set_coverage(97.5);
  host.posture.set_pass(10);
  host.posture.set_fail(3);
  host.posture.set_unknown(1);
  host.posture.set_waived(1);
  host.posture.set_last_seen(1795420790);
  host.posture.set_worst(v1::SEVERITY_HIGH);
  return host;
}

FleetMetrics Fleet() {
  FleetMetrics fleet;
  fleet.at = 1795420800;
  fleet.baseline = "abc";
  fleet.hosts["id-1"] = Host("web01");
  fleet.controls["no-telnet"] = {v1::SEVERITY_CRITICAL, 3, 1};
  fleet.certificate_until = 1826955366;
  fleet.night.emplace();
  fleet.night->set_to(1795410000);
  fleet.night->set_unseen(4);
  return fleet;
}

nlohmann::json Read(const FleetMetrics& fleet) {
  const std::string text = MetricsText(fleet);
  EXPECT_EQ(Judged("prometheus", kPromtool, text), "");
  return Exported("metrics", text);
}

TEST(Metrics, AreOfTheFleetOfHostsAndOfControls) {
  auto read = Read(Fleet());
  EXPECT_EQ(read[R"(metsuke_host_score{"host": "web01", "id": "id-1"})"],
            81.25);
  EXPECT_EQ(
      read[R"(metsuke_host_controls{"host": "web01", "id": "id-1", "verdict": "unknown"})"],
      1);
  EXPECT_EQ(
      read[R"(metsuke_host_findings{"host": "web01", "id": "id-1", "severity": "high"})"],
      2);
  EXPECT_EQ(
      read[R"(metsuke_host_last_seen_seconds{"host": "web01", "id": "id-1"})"],
      1795420790);
  EXPECT_EQ(
      read[R"(metsuke_control_failed_hosts{"control": "no-telnet", "severity": "critical"})"],
      3);
  EXPECT_EQ(read[R"(metsuke_hosts_failed{"severity": "high"})"], 1);
  EXPECT_EQ(read["metsuke_hosts{}"], 1);
  EXPECT_EQ(read["metsuke_certificate_end_timestamp_seconds{}"], 1826955366);
  EXPECT_EQ(read["metsuke_report_hosts_unseen{}"], 4);
}

TEST(Metrics, WhatIsNotKnownHasNoSample) {
  FleetMetrics fleet = Fleet();
  fleet.night.reset();
  HostMetrics& none = fleet.hosts["id-1"];
  none.posture.set_score(-1);
  none.posture.set_score_without_waivers(-1);
  none.posture.set_last_seen(0);
  none.posture.set_stale(true);
  auto read = Read(fleet);
  const std::string host = R"({"host": "web01", "id": "id-1"})";
  EXPECT_FALSE(read.contains("metsuke_host_score" + host));
  EXPECT_FALSE(read.contains("metsuke_host_score_without_waivers" + host));
  EXPECT_FALSE(read.contains("metsuke_host_last_seen_seconds" + host));
  EXPECT_FALSE(read.contains("metsuke_report_timestamp_seconds{}"));
  EXPECT_EQ(read["metsuke_host_stale" + host], 1);
  // One that never reported counts nothing it could be proud of.
  none.posture.set_score(0);
  none.reported = false;
  read = Read(fleet);
  EXPECT_FALSE(read.contains("metsuke_host_score" + host));
  EXPECT_THAT(MetricsText(fleet), Not(HasSubstr("metsuke_host_findings{")));
  EXPECT_EQ(read["metsuke_hosts_unreported{}"], 1);
  // Without a baseline nobody was judged.
  fleet.baseline.clear();
  fleet.controls.clear();
  const std::string text = MetricsText(fleet);
  EXPECT_EQ(Judged("prometheus", kPromtool, text), "");
  EXPECT_THAT(text, Not(HasSubstr("metsuke_host_controls")));
  EXPECT_THAT(text, Not(HasSubstr("metsuke_hosts_failed")));
  EXPECT_THAT(text, HasSubstr("metsuke_host_stale{"));
}

TEST(Metrics, HostsOfOneNameAreTwo) {
  FleetMetrics fleet = Fleet();
  fleet.hosts["id-2"] = Host("web01");
  EXPECT_EQ(Read(fleet)["metsuke_hosts{}"], 2);
}

TEST(Metrics, WhatAHostCallsItselfIsInert) {
  FleetMetrics fleet = Fleet();
  const std::string name =
      "a\"} 1\nmetsuke_hosts 99\\ \x1b[2J \xe2\x80\xae \xff {b=\"c\"}";
  fleet.hosts["id-1"].posture.set_host(name);
  auto read = Read(fleet);
  EXPECT_EQ(read["metsuke_hosts{}"], 1);
  bool found = false;
  for (const auto& [key, value] : read.items()) {
    if (!key.starts_with("metsuke_host_stale")) continue;
    const auto labels = nlohmann::json::parse(
        key.substr(std::string("metsuke_host_stale").size()));
    EXPECT_EQ(labels["host"], enc::Tty(HostText(name)));
    found = true;
  }
  EXPECT_TRUE(found);
}

TEST(Metrics, TheShippedAlertsAreSoundAndAskForMetricsThatAreThere) {
  const Ran ran = RunShell("promtool check rules " METSUKE_SOURCE
                           "/packaging/contrib/metsuke.rules.yml");
  EXPECT_EQ(ran.code, 0) << ran.text << "(package prometheus)";
  const std::string text = MetricsText(Fleet());
  const Ran names = RunShell("grep -oE 'metsuke_[a-z_]+' " METSUKE_SOURCE
                             "/packaging/contrib/metsuke.rules.yml | sort -u");
  std::istringstream lines(names.text);
  int count = 0;
  for (std::string name; std::getline(lines, name); ++count)
    EXPECT_THAT(text, HasSubstr("# TYPE " + name + " gauge")) << name;
  EXPECT_GT(count, 5);
}

}  // namespace
}  // namespace metsuke
