#include "controller/outside.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

using ::testing::IsEmpty;

using Targets = std::vector<ProbeTarget>;

// An interface that is up and reached from everywhere.
std::string Global(const std::string& name, const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  return "interfaces { name: '" + name + "' address: '" + address +
         "' family: '" + (v6 ? "ipv6" : "ipv4") +
         "' scope: 'global' up: true }\n";
}

Targets TargetsOf(const v1::Snapshot& seen, const std::string& chosen = "") {
  return PlanOutside(seen, {chosen, ""}).targets;
}

v1::Snapshot Host(const std::string& text) {
  v1::Snapshot seen;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &seen));
  return seen;
}

constexpr char kInterfaces[] = R"pb(
  interfaces {
    name: "lo"
    address: "127.0.0.1/8"
    family: "ipv4"
    scope: "host"
    up: true
  }
  interfaces {
    name: "old"
    address: "192.0.2.9/24"
    family: "ipv4"
    scope: "global"
  }
  interfaces {
    name: "e"
    address: "2001:db8::7/64"
    family: "ipv6"
    scope: "global"
    up: true
  }
  interfaces {
    name: "e"
    address: "fe80::1/64"
    family: "ipv6"
    scope: "link"
    up: true
  }
  interfaces {
    name: "e"
    address: "192.0.2.7/24"
    family: "ipv4"
    scope: "global"
    up: true
  }
)pb";

TEST(OutsideTargets, AreReachedAtTheHostsGlobalAddress) {
  const v1::Snapshot seen = Host(std::string(kInterfaces) + R"pb(
    ssh_access {
      account: "root"
      listener: "*:22"
      method: "publickey"
      source: "10.0.0.0/8"
    }
    ssh_access {
      account: "web"
      listener: "*:22"
      method: "password"
      source: "any"
    }
    ssh_access {
      account: "x;y"
      listener: "*:22"
      method: "hostbased"
      source: "any"
    }
    ssh_endpoints { listener: "[2001:db8::7]:2022" }
    ssh_endpoints { listener: "127.0.0.1:2222" }
    ssh_endpoints { listener: "[fe80::1%e]:2222" })pb");
  EXPECT_EQ(
      TargetsOf(seen),
      (Targets{{"*:22", "192.0.2.7", 22, {"web"}, false},
               {"[2001:db8::7]:2022", "2001:db8::7", 2022, {"root"}, false}}));
  EXPECT_EQ(TargetsOf(seen, "198.51.100.1")[1].address, "198.51.100.1");
}

TEST(OutsideTargets, HaveIpv6WhereThereIsNothingElse) {
  const v1::Snapshot seen = Host(Global("e", "2001:db8::7/64") +
                                 "ssh_endpoints { listener: '*:22' }");
  EXPECT_EQ(TargetsOf(seen).at(0).address, "2001:db8::7");
}

TEST(OutsideTargets, AreNoneWhereNothingCanBeReached) {
  EXPECT_THAT(TargetsOf(Host(kInterfaces)), IsEmpty());
  EXPECT_THAT(TargetsOf(Host("ssh_endpoints { listener: '127.0.0.1:22' }")),
              IsEmpty());
  const OutsidePlan lost =
      PlanOutside(Host("ssh_endpoints { listener: '*:22' }"), {});
  EXPECT_THAT(lost.targets, IsEmpty());
  ASSERT_EQ(lost.gaps.gaps_outside_size(), 1);
  EXPECT_EQ(lost.gaps.gaps_outside(0).reason(),
            "no address of the host is known; metsukectl ssh probe --address "
            "gives one");
}

TEST(OutsideTargets, AreNotReachedAtAnAddressOfTheLinkAlone) {
  const v1::Snapshot seen = Host(
      "interfaces { address: '10.9.0.1/24' family: 'ipv4' scope: 'link' "
      "up: true }\n" +
      Global("e", "2001:db8::7/64") + "ssh_endpoints { listener: '*:22' }");
  EXPECT_EQ(TargetsOf(seen).at(0).address, "2001:db8::7");
}

// Interfaces come in the order of their names.
TEST(OutsideTargets, AreReachedWhereTheAgentSpeaksFromAndNotAtABridge) {
  const v1::Snapshot seen = Host(
      Global("docker0", "172.17.0.1/16") + Global("ens3", "2001:db8::7/64") +
      Global("ens4", "10.0.0.7/24") + Global("ens5", "192.0.2.7/24") +
      "ssh_endpoints { listener: '*:22' }");
  const auto at = [&](const std::string& chosen, const std::string& spoken) {
    return PlanOutside(seen, {chosen, spoken}).targets.at(0).address;
  };
  EXPECT_EQ(at("", ""), "10.0.0.7");
  EXPECT_EQ(at("", "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(at("", "2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(at("", "203.0.113.5"), "10.0.0.7");  // translated on the way
  EXPECT_EQ(at("203.0.113.5", "192.0.2.7"), "203.0.113.5");
  v1::Snapshot bridge = seen;
  bridge.mutable_interfaces()->DeleteSubrange(1, 3);
  EXPECT_EQ(PlanOutside(bridge, {}).targets.at(0).address, "172.17.0.1");
}

TEST(OutsideTargets, AreAtMostFour) {
  std::string text = kInterfaces;
  for (int port = 1; port <= 6; ++port)
    text += "ssh_endpoints { listener: '*:" + std::to_string(port) + "' }\n";
  const OutsidePlan plan = PlanOutside(Host(text), {});
  EXPECT_EQ(plan.targets.size(), 4u);
  ASSERT_EQ(plan.gaps.gaps_outside_size(), 2);
  EXPECT_EQ(plan.gaps.gaps_outside(0).table(), "ssh_endpoints_outside");
  EXPECT_EQ(plan.gaps.gaps_outside(0).subject(), "*:5");
  EXPECT_EQ(plan.gaps.gaps_outside(1).reason(), "4 other servers are asked");
}

// A host says where it is to be reached.
TEST(OutsideTargets, TakeNothingElseForAnAddress) {
  const v1::Snapshot seen = Host(R"pb(
    interfaces { address: "--help/24" family: "ipv4" scope: "global" up: true }
    interfaces { address: "0.0.0.0/0" family: "ipv4" scope: "global" up: true }
    interfaces { address: "::/0" family: "ipv6" scope: "global" up: true }
    interfaces {
      address: "239.1.2.3/8"
      family: "ipv4"
      scope: "global"
      up: true
    }
    ssh_endpoints { listener: "*:22" }
    ssh_endpoints { listener: "--help:22" }
    ssh_endpoints { listener: "192.0.2.7:x" }
    ssh_endpoints { listener: "192.0.2.7:0" }
    ssh_endpoints { listener: "192.0.2.7:65536" }
    ssh_endpoints { listener: "22" })pb");
  EXPECT_THAT(TargetsOf(seen), IsEmpty());
}

}  // namespace
}  // namespace metsuke
