#include "collectors/ssh_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/address_pattern.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Networks(const char* list) {
  const SshSources sources = SshAddresses(list);
  return sources.exact() ? sources.surely.Networks()
                         : std::vector<std::string>{"unknown"};
}

AddressSet Net(const char* text, int length) {
  return AddressSet::Prefix(*ParseIpAddress(text), length);
}

TEST(SshPattern, StarsAndQuestionMarksStandForText) {
  EXPECT_TRUE(SshPatternMatches("alice", "a*e"));
  EXPECT_TRUE(SshPatternMatches("alice", "*"));
  EXPECT_TRUE(SshPatternMatches("alice", "?lice**"));
  EXPECT_TRUE(SshPatternMatches("", "*"));
  EXPECT_FALSE(SshPatternMatches("alice", "a?e"));
  EXPECT_FALSE(SshPatternMatches("", "?"));
  EXPECT_FALSE(SshPatternMatches("Alice", "alice"));
}

TEST(SshPattern, ADenialInAListOutweighs) {
  EXPECT_EQ(SshListMatches("bob", "a*,bob"), SshMatch::kMatch);
  EXPECT_EQ(SshListMatches("bob", "*,!bob"), SshMatch::kNegated);
  EXPECT_EQ(SshListMatches("bob", "!alice"), SshMatch::kNone);
  EXPECT_EQ(SshListMatches("bob", ""), SshMatch::kNone);
}

TEST(SshPattern, ListsOfAddressesAreNetworks) {
  EXPECT_THAT(Networks("10.0.0.0/8"), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(Networks("10.0.0.0/8,!10.128.0.0/9"), ElementsAre("10.0.0.0/9"));
  EXPECT_THAT(Networks("10.1"), ElementsAre("10.0.0.1"));
  EXPECT_THAT(Networks("2001:DB8::/32,192.0.2.7"),
              ElementsAre("192.0.2.7", "2001:db8::/32"));
  EXPECT_THAT(Networks("!10.0.0.0/8"), IsEmpty());
  EXPECT_THAT(Networks("*"), ElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_THAT(Networks("*.example.com,host"), IsEmpty());
}

TEST(SshPattern, PatternsOfTextAreNetworksWhereTheyCanBe) {
  EXPECT_THAT(Networks("10.1.*"), ElementsAre("10.1.0.0/16"));
  EXPECT_THAT(Networks("10.*"), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(Networks("192.0.2.?"),
              ElementsAre("192.0.2.0/29", "192.0.2.8/31"));
  EXPECT_THAT(Networks("192.0.*.9,!192.0.1*"),
              testing::AllOf(testing::SizeIs(145),
                             testing::Not(testing::Contains("192.0.1.9")),
                             testing::Contains("192.0.2.9")));
  EXPECT_THAT(Networks("2001:db8:*"), ElementsAre("2001:db8::/32"));
  for (const char* odd : {"*7", "1*", "2001:0db8:*", "2001:db8::*", "?::1"})
    EXPECT_THAT(Networks(odd), ElementsAre("unknown")) << odd;
}

TEST(SshPattern, HostilePatternsEndSoon) {
  EXPECT_THAT(Networks("*.*.*.*.*.*"), ElementsAre("unknown"));
  EXPECT_THAT(Networks("*9*9*9*9*9*9*9*9*9*9*9*9*9*."), ElementsAre("unknown"));
}

TEST(SshPattern, NamesAreComparedWithTheTextOfAddresses) {
  const auto networks = [](const char* list) {
    return SshHostAddresses(list, false).Possible().Networks();
  };
  EXPECT_THAT(networks("10.1.*"), ElementsAre("10.1.0.0/16"));
  EXPECT_THAT(networks("10.0.0.0/8"), IsEmpty());
  EXPECT_THAT(networks("2001:DB8::1"), ElementsAre("2001:db8::1"));
  EXPECT_THAT(Networks("2001:db8:0::1"), ElementsAre("2001:db8::1"));
  EXPECT_THAT(networks("2001:db8:0::1"), IsEmpty());
}

TEST(SshPattern, WhatCannotBeToldLeavesTheRestOfAList) {
  const SshSources positive = SshAddresses("10.0.0.0/8,*7.*7,!10.9.0.0/16");
  EXPECT_EQ(positive.surely,
            Net("10.0.0.0", 8).Without(Net("10.9.0.0", 16)));
  EXPECT_TRUE(positive.maybe.Contains(*ParseIpAddress("192.0.77.7")));
  EXPECT_FALSE(positive.maybe.Contains(*ParseIpAddress("10.9.7.7")));
  EXPECT_FALSE(positive.maybe.Contains(*ParseIpAddress("10.8.7.7")));
  const SshSources negative = SshAddresses("10.0.0.0/8,!*7");
  EXPECT_TRUE(negative.surely.empty());
  EXPECT_EQ(negative.maybe, Net("10.0.0.0", 8));
  EXPECT_EQ(SshAddresses("?::1").maybe,
            AddressSet::All(true).Without(Net("fe80::", 10)));
}

TEST(SshPattern, ANameMayBeAnything) {
  EXPECT_EQ(SshHostAddresses("*.example.com", true).maybe,
            AddressSet::Everywhere());
  EXPECT_EQ(SshHostAddresses("*", true).surely, AddressSet::Everywhere());
  EXPECT_TRUE(SshHostAddresses("*.example.com", false).Possible().empty());
  const SshSources client = SshClientAddresses("10.0.0.0/8,build", true);
  EXPECT_EQ(client.surely, Net("10.0.0.0", 8));
  EXPECT_EQ(client.Possible(), AddressSet::Everywhere());
}

TEST(SshPattern, LinkLocalClientsHaveAZone) {
  const IpAddress client = *ParseIpAddress("fe80::1");
  for (const char* list : {"fe80::/10", "::/0", "fe80::1", "10.*", "2001:*",
                           "f?70::1%eth0", "*.example.com"})
    EXPECT_FALSE(SshAddresses(list).Possible().Contains(client)) << list;
  for (const char* list : {"*", "fe80:*", "f*,*"})
    EXPECT_TRUE(SshAddresses(list).surely.Contains(client)) << list;
  for (const char* list : {"fe80::1%eth0", "fe80::%eth0/10", "*%eth0", "*1",
                           "fe8?::*", "*,!fe80::1%eth0"})
    EXPECT_TRUE(SshAddresses(list).maybe.Contains(client)) << list;
  EXPECT_FALSE(SshHostAddresses("fe80::1", false).Possible().Contains(client));
}

TEST(SshPattern, SaysOfOneAddressWhatSshdSays) {
  const auto says = [](const char* text, const char* list) {
    return SshAddressMatches(text, list);
  };
  EXPECT_EQ(says("10.1.2.7", "*7"), SshMatch::kMatch);
  EXPECT_EQ(says("10.1.2.7", "10.0.0.0/8,!*7"), SshMatch::kNegated);
  EXPECT_EQ(says("10.1.2.7", "10.1.2.7"), SshMatch::kMatch);
  EXPECT_EQ(says("10.1.2.8", "10.1.2.7,11.0.0.0/8"), SshMatch::kNone);
  EXPECT_EQ(says("fe80::1%lo", "fe80::/10,::/0"), SshMatch::kNone);
  EXPECT_EQ(says("fe80::1%lo", "fe80::%lo/10"), SshMatch::kMatch);
  EXPECT_EQ(says("fe80::1%lo", "fe80::%eth0/10"), SshMatch::kNone);
  EXPECT_EQ(says("fe80::1%lo", "fe80:*"), SshMatch::kMatch);
  EXPECT_EQ(SshAddressText(*ParseIpAddress("fe80::1")), "fe80::1%lo");
  EXPECT_EQ(SshAddressText(*ParseIpAddress("fec0::1")), "fec0::1");
}

TEST(SshPattern, HasAnExampleWithinASet) {
  const auto example = ExampleOfText("*.7.*9", Net("192.0.0.0", 8));
  ASSERT_TRUE(example);
  EXPECT_EQ(ToText(*example), "192.0.7.9");
  EXPECT_FALSE(ExampleOfText("10.*", Net("192.0.0.0", 8)));
  EXPECT_FALSE(ExampleOfText("*::1", Net("192.0.0.0", 8)));
}

}  // namespace
}  // namespace metsuke
